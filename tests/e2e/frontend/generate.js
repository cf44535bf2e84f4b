// Writes the types of an OpenAPI document: node generate.js http://localhost:8080/openapi.json schema.d.ts
// A file of a form is a Blob in a browser; the generator's command line would say string.
import { writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';

const [source, target] = process.argv.slice(2);
const blob = ts.factory.createTypeReferenceNode('Blob');
const types = await openapiTS(new URL(source), {
  transform: (schema) => (schema.format === 'binary' ? blob : undefined),
});
writeFileSync(target, astToString(types));

// Parses each document named on the command line with the official parser; prints what is wrong, and exits with 1 if anything is.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const ERROR = 0;
let broken = 0;
for (const path of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(path, 'utf8'), { source: path });
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === ERROR);
  for (const error of errors) console.error(`${path}: ${error.path.join('.')}: ${error.message}`);
  if (errors.length > 0 || document === undefined) broken += 1;
  else console.log(`${path}: ${document.operations().length} operations`);
}
process.exit(broken > 0 ? 1 : 0);

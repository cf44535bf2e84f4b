// A student's first minutes, with nothing but what the OpenAPI document says: node student.js http://localhost:8080 course.pdf
// Whatever differs from the types is an error of tsc; whatever goes wrong ends it with 1.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import createClient, { type Middleware } from 'openapi-fetch';
import type { components, paths } from './schema.js';

type Problem = components['schemas']['ProblemDocument'];
type Document = components['schemas']['DocumentOut'];

const [url = '', file = ''] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: url });

/** The answer, or the problem as an exception: its sentence is for the person. */
function got<T>({ data, error }: { data?: T | undefined; error?: Problem | undefined }): T {
  if (error) throw new Error(`${error.type}: ${error.detail}`);
  assert(data !== undefined);
  return data;
}

const account = { email: `student-${randomUUID()}@example.org`, password: 'a calm sea at dawn', name: 'Ada' };
const signedUp = got(await api.POST('/api/v1/auth/signup', { body: account }));
let token: string = signedUp.access_token;
const bearer: Middleware = {
  onRequest({ request }) {
    request.headers.set('Authorization', `Bearer ${token}`);
  },
};
api.use(bearer);

const me = got(await api.GET('/api/v1/users/me'));
assert.equal(me.email, account.email);
const verified: boolean = me.email_verified;
assert.equal(verified, false);

const refreshed = got(await api.POST('/api/v1/auth/refresh', { body: { refresh_token: signedUp.refresh_token } }));
token = refreshed.access_token;

// A problem has a type to decide by, a sentence to show, and for a form what is wrong with each field.
const taken = await api.POST('/api/v1/auth/signup', { body: account });
assert.equal(taken.error?.type, 'urn:studyteddy:problem:email-taken');
const wrong = await api.POST('/api/v1/auth/signup', { body: { ...account, email: 'ada', name: '' } });
assert.deepEqual(wrong.error?.errors?.map((one) => one.field).sort(), ['email', 'name']);
const nobody = await api.GET('/api/v1/documents/{document_id}', { params: { path: { document_id: randomUUID() } } });
assert.equal(nobody.error?.status, 404);

const upload = {
  body: { file: new Blob([await readFile(file)], { type: 'application/pdf' }) },
  params: { header: { 'Idempotency-Key': randomUUID() } },
  bodySerializer(body: { file: Blob }) {
    const form = new FormData();
    form.append('file', body.file, 'course.pdf');
    return form;
  },
};
let document: Document = got(await api.POST('/api/v1/documents', upload));
const again = await api.POST('/api/v1/documents', upload);
assert.equal(again.response.headers.get('Idempotency-Replayed'), 'true');
assert.equal(got(again).id, document.id);
while (document.status === 'queued' || document.status === 'processing') {
  await new Promise((resolve) => setTimeout(resolve, 100));
  document = got(await api.GET('/api/v1/documents/{document_id}', { params: { path: { document_id: document.id } } }));
}
assert.equal(document.status, 'ready', document.error?.detail);
const listed = got(await api.GET('/api/v1/documents', { params: { query: { limit: 1 } } }));
assert.deepEqual([listed.items[0]?.id, listed.next_cursor], [document.id, null]);

const found = got(await api.POST('/api/v1/search', { body: { query: 'testing effect', document_ids: [document.id] } }));
assert(found.passages.length > 0 && found.passages.every((passage) => passage.document_id === document.id));

// Chat hears of a document by an event, a moment after it is ready.
let session: components['schemas']['SessionOut'] | undefined;
while (session === undefined) {
  const begun = await api.POST('/api/v1/chat/sessions', { body: { mode: 'tutor', document_ids: [document.id] } });
  if (begun.error && begun.response.status !== 404 && begun.response.status !== 422) throw new Error(begun.error.detail);
  session = begun.data;
  await new Promise((resolve) => setTimeout(resolve, 100));
}
const path = { session_id: session.id };
const asked = { params: { path }, body: { content: 'What is the testing effect?' } };
const answered = got(await api.POST('/api/v1/chat/sessions/{session_id}/messages', asked));
assert(typeof answered !== 'string');
const [citation] = answered.citations;
assert(citation?.page, 'the answer cites a page');
const page = got(
  await api.GET('/api/v1/documents/{document_id}/pages/{number}', {
    params: { path: { document_id: citation.document_id, number: citation.page } },
  }),
);
assert(page.text.length > 0);

const streamed = await api.POST('/api/v1/chat/sessions/{session_id}/messages', {
  ...asked,
  headers: { Accept: 'text/event-stream' },
  parseAs: 'stream',
});
const events = await new Response(streamed.data).text();
assert.match(events, /^event: token$/m);
assert.match(events, /^event: done$/m);

// The types are no `any`: mistakes are found by the compiler.
export const mistakes = [
  // @ts-expect-error a sign-up has a password
  () => api.POST('/api/v1/auth/signup', { body: { email: 'ada@example.org', name: 'Ada' } }),
  // @ts-expect-error there is no such mode
  () => api.POST('/api/v1/chat/sessions', { body: { mode: 'cramming' } }),
  // @ts-expect-error a document is asked for by its id
  () => api.GET('/api/v1/documents/{document_id}', { params: { path: { id: '1' } } }),
  // @ts-expect-error there is no such path
  () => api.GET('/api/v1/nothing'),
  // @ts-expect-error a user has no such member
  () => me.surname,
];

const { response } = await api.POST('/api/v1/auth/logout');
assert.equal(response.status, 204);
const after = await api.GET('/api/v1/users/me');
assert.equal(after.error?.status, 401);
console.log('everything worked');

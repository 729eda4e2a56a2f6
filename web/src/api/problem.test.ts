import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, asProblem, problemOf } from './problem.ts';

const page = (status: number, statusText: string): Response =>
  new Response('<html>Sign in</html>', { status, statusText });

test('what a proxy answers in the place of the server says what to do', async () => {
  const away = (await problemOf(page(502, 'Bad Gateway'))).problem;
  assert.equal(away.title, 'The server does not answer');
  assert.equal(away.detail, 'What stands before it answered 502 Bad Gateway.');
  assert.match(away.next ?? '', /If you changed something, look whether it was done\.$/);
  assert.equal((await problemOf(page(401, 'Unauthorized'))).problem.next, 'Sign in again: reload this page.');
  const signIn = await answerOf(page(200, 'OK')).catch(asProblem);
  assert.partialDeepStrictEqual(signIn, { status: 200, title: 'Something else answered' });
});

test('what the server says itself is kept', async () => {
  const body = { title: 'Not found', detail: 'no endpoint "x"', next: 'List them.', code: 'not_found' };
  const { problem } = await problemOf(Response.json(body, { status: 404 }));
  assert.partialDeepStrictEqual(problem, { ...body, status: 404 });
  assert.deepEqual(await answerOf(Response.json({ items: [] })), { items: [] });
});

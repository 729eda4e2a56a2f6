import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, asProblem, problemOf, refusalAt } from './problem.ts';

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

test('what is refused of fields stands at them, and everything below them where one of it has no field', async () => {
  const refused = async (detail: string, issues: readonly object[] = []) =>
    (await problemOf(Response.json({ code: 'invalid_input', detail, issues }, { status: 400 }))) as unknown;
  const tooLong = { field: 'body.reason', problem: 'too long' };
  const one = refusalAt(await refused('body.reason: too long', [tooLong]), ['name', 'reason']);
  assert.deepEqual(one, { at: { reason: 'too long' }, rest: null });
  const past = refusalAt(await refused('expiresAt: 2001 is past'), ['expiresAt']);
  assert.deepEqual(past, { at: { expiresAt: '2001 is past' }, rest: null });
  const issues = [
    { field: 'body.name', problem: 'too long' },
    { field: 'body.weight', problem: 'too much' },
  ];
  const two = await refused('2 problems', issues);
  assert.deepEqual(refusalAt(two, ['name', 'reason']), { at: { name: 'too long' }, rest: two });
  const away = (await problemOf(page(502, 'Bad Gateway'))) as unknown;
  assert.deepEqual(refusalAt(away, ['reason']), { at: {}, rest: away });
  assert.deepEqual(refusalAt(null, ['reason']), { at: {}, rest: null });
});

import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { post } from './client.ts';
import { ProblemError } from './problem.ts';

/** Has each call answered by the next of these, a failing connection where it is an error; gives the keys that were sent. */
function answering(t: TestContext, ...answers: readonly (Response | Error)[]): readonly string[] {
  const keys: string[] = [];
  let next = 0;
  const { mock: fetching } = mock.method(
    globalThis,
    'fetch',
    async (_url: string, { headers }: RequestInit) => {
      keys.push(new Headers(headers).get('idempotency-key') ?? '');
      const answer = answers[next++];
      if (answer instanceof Response) return answer;
      throw answer;
    },
  );
  t.after(() => fetching.restore());
  return keys;
}

const badGateway = () => new Response('<html>Bad gateway</html>', { status: 502 });

test('what nothing answered is asked for again under the same key, so that it is done once', async (t) => {
  const keys = answering(t, new TypeError('fetch failed'), badGateway(), Response.json({ step: 2 }));
  await assert.rejects(post('/rollouts/1/advance', { reason: 'fine' }), TypeError);
  await assert.rejects(post('/rollouts/1/advance', { reason: 'fine' }), ProblemError);
  assert.deepEqual(await post('/rollouts/1/advance', { reason: 'fine' }), { step: 2 });
  assert.equal(new Set(keys).size, 1);
});

test('what was answered, and anything else, has a key of its own', async (t) => {
  const busy = Response.json({ code: 'conflict' }, { status: 409 });
  const keys = answering(t, Response.json({}), busy, new TypeError('fetch failed'), Response.json({}));
  await post('/rollouts/1/advance', { reason: 'fine' });
  await assert.rejects(post('/rollouts/1/advance', { reason: 'fine' }), ProblemError);
  await assert.rejects(post('/rollouts/1/advance', { reason: 'fine' }), TypeError);
  await post('/rollouts/1/pause', { reason: 'fine' });
  assert.equal(new Set(keys).size, 4);
});

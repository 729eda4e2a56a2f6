import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Cleanup, startServer, type TestServer } from '../../../test/support/server.ts';
import { type Ended, runCommand } from './testing.ts';

let server: TestServer;
const cleanups: (() => void | Promise<void>)[] = [];

before(async () => {
  server = await startServer({ after: (fn) => void cleanups.push(fn) } satisfies Cleanup, {
    role: 'control',
  });
});

after(async () => {
  for (const cleanup of cleanups) await cleanup();
});

const millrace = (...words: readonly string[]): Promise<Ended> => runCommand(server.url, words);

async function mlflow<T>(path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json', 'x-millrace-actor': 'ada' };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, init);
  assert.ok(response.ok, await response.clone().text());
  return (await response.json()) as T;
}

test('history, comparison, lineage and protection of a model', async () => {
  await mlflow('registered-models/create', { name: 'late' });
  for (const value of ['1', '10']) {
    const { run } = await mlflow<{ run: { info: { run_id: string } } }>('runs/create', {
      experiment_id: '0',
    });
    const runId = run.info.run_id;
    await mlflow('runs/log-parameter', { run_id: runId, key: 'C', value });
    await mlflow('runs/log-inputs', {
      run_id: runId,
      datasets: [{ dataset: { name: 'flights', digest: 'abc', source_type: 'code', source: 'x' } }],
    });
    await mlflow('model-versions/create', { name: 'late', source: `runs:/${runId}/m`, run_id: runId });
  }
  await mlflow('registered-models/alias', { name: 'late', alias: 'prod-eu', version: '1' });

  const history = await millrace('models', 'history', 'late', '--what', 'alias');
  assert.match(history.out, /when +version +what +change +by +why\n/);
  assert.match(history.out, /– +alias prod-eu +∅ → 1 +user:ada +no reason given\n/);
  assert.match((await millrace('models', 'history', 'late', '--version', '2')).out, /2 +created +∅ → runs:/);

  const compared = await millrace('models', 'compare', 'late', '1', '2');
  assert.match(compared.out, /version 1 +version 2/);
  assert.match(compared.out, /param +C +1 +10/);
  assert.match(compared.out, /Version 1: no signature is recorded\./);
  const json = await millrace('models', 'compare', 'late', '1', '1', '--json');
  assert.deepEqual(JSON.parse(json.out).params, { differing: [], sameCount: 1 });

  const lineage = await millrace('models', 'lineage', 'late', '2');
  assert.match(lineage.out, /dataset flights +run [\w-]+ +input\n/);
  assert.match(lineage.out, /run [\w-]+ +model-version late\/2 +registered\n/);
  const down = await millrace('models', 'lineage', '--dataset', 'abc');
  assert.match(down.out, /model-version late\/1/);
  assert.match(down.out, /model-version late\/2/);

  const unreasoned = await millrace('models', 'protect', 'prod*');
  assert.deepEqual([unreasoned.code, /--reason is missing/.test(unreasoned.err)], [2, true]);
  const protection = await millrace('models', 'protect', 'prod*', '--model', 'late', '--reason', 'test');
  const id = /\(([\w-]+)\)/.exec(protection.out)?.[1] ?? '';
  const listed = await millrace('models', 'protect');
  assert.match(
    listed.out,
    /champion +every model +champion +system:millrace +deployments follow the champion/,
  );
  assert.match(listed.out, new RegExp(`prod\\* +late +${id} +user:\\S+ +test`));
  assert.equal((await millrace('models', 'unprotect', id, '--reason', 'over')).code, 0);
  const gone = await millrace('models', 'unprotect', id, '--reason', 'over');
  assert.notEqual(gone.code, 0);
  assert.match(gone.err, /no protection of aliases/);
  assert.equal((await millrace('models', 'lineage', 'late')).code, 2);
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createRng } from '../../src/core/rng.ts';
import { logisticOnnx } from '../../src/platform/onnx/testing.ts';
import { startServer } from '../support/server.ts';
import { endTurn } from './rollout/end-turn.ts';

const run = promisify(execFile);
const script = join(import.meta.dirname, 'faults/train.ts');
const main = join(import.meta.dirname, '../../src/main.ts');
const node = [process.execPath, '--disable-warning=ExperimentalWarning'] as const;
const patienceMs = 600_000;

interface Rollout {
  readonly id: string;
  readonly state: string;
  readonly reason: string;
  readonly step: { readonly percent: number };
}

test('a version that learnt the opposite is aborted by its outcomes, and a good one promoted, over real processes', async (t) => {
  const server = await startServer(t);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-rollout-'));
  t.after(() => rm(folder, { recursive: true }));
  const call = async (path: string, body?: unknown, base = server.url): Promise<unknown> => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(base + path, { ...init, headers: { 'content-type': 'application/json' } });
    const answer: unknown = await response.json();
    assert.equal(response.status, 200, `${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const cli = async (...args: string[]) =>
    (await run(node[0], [node[1], main, ...args], { env: { ...process.env, MILLRACE_URL: server.url } }))
      .stdout;

  await call('/api/2.0/mlflow/registered-models/create', { name: 'churn' });
  const env = { MLFLOW_TRACKING_URI: server.url, MLFLOW_TRACKING_TOKEN: '' };
  for (const [i, weight] of [1, -1, 1.05].entries()) {
    await writeFile(join(folder, 'model.onnx'), logisticOnnx(weight, -weight));
    await run(node[0], [node[1], script, 'x1:double', 'x2:double'], {
      cwd: folder,
      env: { ...process.env, ...env, MLFLOW_EXPERIMENT_NAME: `churn-${i}` },
    });
    const search = { experiment_ids: [String(i + 1)] };
    const { models } = (await call('/api/2.0/mlflow/logged-models/search', search)) as {
      models: { info: { model_id: string; source_run_id: string } }[];
    };
    const { model_id = '', source_run_id: run_id = '' } = models[0]?.info ?? {};
    const source = { name: 'churn', source: `models:/${model_id}`, model_id, run_id };
    await call('/api/2.0/mlflow/model-versions/create', source);
  }
  // Packaging each version; the endpoint of its own keeps the first one's traffic.
  await cli('deploy', 'churn', '1', '--reason', 'first');

  const rng = createRng(1);
  let sent = 0;
  let acknowledgedMs = 0;
  /** 200 requests, each with its outcome. */
  const traffic = async () => {
    const records = Array.from({ length: 200 }, () => ({ x1: 2 * rng.normal(), x2: 2 * rng.normal() }));
    const labels = await Promise.all(
      records.map(async ({ x1, x2 }) => {
        const id = `p${sent++}`;
        const body = {
          id,
          parameters: { entity: id },
          inputs: [x1, x2].map((x, i) => ({ name: `x${i + 1}`, datatype: 'FP64', shape: [1, 1], data: [x] })),
        };
        await call('/v2/models/churn/infer', body, server.serveUrl);
        const chance = 1 / (1 + Math.exp(-(x1 - x2)));
        return { predictionId: id, value: rng.next() < chance ? 1 : 0, eventTime: new Date().toISOString() };
      }),
    );
    await call('/api/v1/labels', { endpoint: 'churn', labels });
    acknowledgedMs = performance.now();
  };
  const newest = async () =>
    ((await call('/api/v1/endpoints/churn/rollouts')) as { items: Rollout[] }).items[0] as Rollout;
  const ended = async (): Promise<Rollout> => {
    const deadline = Date.now() + patienceMs;
    let now = await newest();
    while (now.state === 'running' && Date.now() < deadline) {
      await traffic();
      for (let waits = 0; waits < 25 && now.state === 'running'; waits++) {
        await sleep(20);
        now = await newest();
      }
    }
    return now;
  };

  await writeFile(
    join(folder, 'plan.yaml'),
    // Its copies decide otherwise on every request: that is let through here, so that the outcomes end it.
    'shadow: { minRequests: 50, maxDisagreement: 1, maxScoreShift: 1 }\nsteps: [50]\nmargin: 0.05\ncooldown: 1h\n',
  );
  const plan = join(folder, 'plan.yaml');
  const begun = await cli('rollout', 'start', 'churn', '2', '--plan', plan, '--reason', 'learnt on April');
  assert.match(begun, /has begun: canary of version 2, in shadow/);
  assert.match(
    await cli('rollout', 'list'),
    /^churn +churn +canary of version 2 +running +champion 1.* in shadow .*waits for/m,
  );
  const bad = await ended();
  assert.equal(bad.state, 'aborted', bad.reason);
  assert.match(bad.reason, /^version 2 is worse: log loss/);
  t.diagnostic(
    `${Math.round(performance.now() - acknowledgedMs)} ms from the acknowledged labels to the end`,
  );
  const { items: audit } = (await call(
    '/api/v1/audit-entries?subjectKind=endpoint&subjectId=churn&limit=2',
  )) as { items: { action: string; after: { comparisons?: { verdict: string }[] } }[] };
  assert.deepEqual(
    audit.map((entry) => entry.action),
    ['rollout:abort', 'serving:withdraw'],
  );
  assert.equal(audit[0]?.after.comparisons?.[0]?.verdict, 'worse');
  await assert.rejects(cli('rollout', 'start', 'churn', '2', '--reason', 'again'), /was aborted on endpoint/);
  assert.match(await cli('rollout', 'list'), /^No rollout under way/);
  assert.match(await cli('rollout', 'list', '--state', 'promoted'), /^No such rollout\./);
  assert.match(
    await cli('rollout', 'list', '--state', 'aborted', '--endpoint', 'churn'),
    /^churn .* aborted /m,
  );
  await assert.rejects(cli('rollout', 'list', '--state', 'lost'), /state/);
  assert.match(
    await cli('rollout', 'list', '--all'),
    /^churn .* aborted +champion 1, challenger 2 +last at 50 % .* champion \(known\) +log loss worse by \d.*, proved /m,
  );
  assert.match(
    await cli('rollout', 'looks', 'churn'),
    /^20.* canary +50 .*challenger: log loss worse by \d.*, n \d+$/m,
  );
  const again = await cli('rollout', 'start', 'churn', '2', '--again', '--reason', 'it was the labels');
  assert.match(again, /^Beware: version 2 was aborted here before \(rollout .*\): version 2 is worse/m);
  await traffic();
  assert.match(await cli('rollout', 'evidence', 'churn'), /^Shadow 2 beside champion 1 on churn/);
  await cli('rollout', 'abort', 'churn', '--reason', 'it was not');
  const alert = async () =>
    ((await call('/api/v1/alerts?endpoint=churn')) as { items: Record<string, unknown>[] }).items[0];
  const raised = await alert();
  assert.deepEqual(
    [raised?.kind, raised?.modelVersion, raised?.state, raised?.subject, raised?.reason],
    ['rollout', '2', 'open', `rollout/${bad.id}`, bad.reason],
  );

  await writeFile(plan, 'shadow: null\nsteps: [50]\nmargin: 0.05\n');
  await cli('rollout', 'start', 'churn', '3', '--plan', plan, '--reason', 'learnt on May');
  const good = await ended();
  assert.equal(good.state, 'promoted', good.reason);
  assert.match(await cli('endpoints'), /champion 3 100%, standby 1 0%/);
  const champion = async () => {
    const found = (await call('/api/2.0/mlflow/registered-models/get?name=churn')) as {
      registered_model: { aliases?: { alias: string; version: string }[] };
    };
    return found.registered_model.aliases?.find((a) => a.alias === 'champion')?.version;
  };
  assert.equal(await champion(), '3');
  assert.equal((await alert())?.state, 'resolved');
  const shown = await cli('rollout', 'show', 'churn');
  assert.match(shown, /canary of version 3 on churn: promoted/);
  assert.match(shown, /split: pass/);
  assert.match(await cli('rollout', 'rollback', 'churn', '--reason', 'complaints'), /is rolled-back/);
  assert.match(await cli('endpoints'), /champion 1 100%, standby 3 0%/);
  assert.notEqual(await champion(), '3');
  const { header, token } = (await call('/api/v1/endpoints/churn/override-tokens', {
    arm: 'standby',
    reason: 'look at it',
  })) as { header: string; token: string };
  const deadline = Date.now() + patienceMs;
  let version: unknown;
  while (version !== '3' && Date.now() < deadline) {
    const response = await fetch(`${server.serveUrl}/v2/models/churn/infer`, {
      method: 'POST',
      headers: { [header]: token },
      body: JSON.stringify({
        inputs: ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [1, 1], data: [1] })),
      }),
    });
    version = ((await response.json()) as { model_version?: string }).model_version;
    if (version !== '3') await sleep(50);
  }
  assert.equal(version, '3');

  assert.match(
    await cli('endpoint', 'split', 'churn', '--arm', 'b=2:30', '--reason', 'two at once'),
    /champion 1 70%, b 2 30%$/m,
  );
  const standby = { modelVersion: 3, reason: 'by its number' };
  await call('/api/v1/endpoints/churn/standby', standby);
  assert.match(await cli('endpoints'), /champion 1 70%, b 2 30%, standby 3 0%/);

  await endTurn(t, server, call);
});

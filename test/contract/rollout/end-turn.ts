import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRng } from '../../../src/core/rng.ts';
import type { Loop } from '../../../src/loop/index.ts';
import { logisticOnnx } from '../../../src/platform/onnx/testing.ts';
import type { TestServer } from '../../support/server.ts';

type Call = (path: string, body?: unknown, base?: string) => Promise<unknown>;

const script = join(import.meta.dirname, '../faults/train.ts');
const node = process.execPath;
const patienceMs = 600_000;

/** A loop whose second turn trains a version that says the opposite, and whose gate lets it pass: outcomes end it. */
export async function endTurn(
  t: TestContext,
  { url, serveUrl, dataDirectory }: TestServer,
  call: Call,
): Promise<void> {
  const rng = createRng(2);
  const drawn = () => {
    const [x1, x2] = [2 * rng.normal(), 2 * rng.normal()];
    return { x1, x2, y: rng.next() < 1 / (1 + Math.exp(x2 - x1)) ? 1 : 0 };
  };
  const rows = Array.from({ length: 300 }, (_, i) => {
    const { x1, x2, y } = drawn();
    return `${new Date(Date.now() - (300 - i) * 3_600_000).toISOString()},r${i},${x1},${x2},${y}\n`;
  });
  const csv = join(dataDirectory, 'turns.csv');
  await writeFile(csv, `date,id,x1,x2,y\n${rows.join('')}`);
  const source = { path: csv, format: 'csv' };
  const roles = { time: 'date', entity: 'id', label: 'y' };
  const registered = (await call('/api/v1/dataset-versions', { dataset: 'turns', source, ...roles })) as {
    version: { id: string };
  };
  const opposite = `import { copyFile } from 'node:fs/promises';
await copyFile('opposite.onnx', 'model.onnx');
process.env.MLFLOW_EXPERIMENT_NAME += '-2';
await import('./train.ts');`;
  const put = async (path: string, body: Uint8Array<ArrayBuffer>) => {
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    assert.ok((await fetch(`${url}/api/v1/blobs/${digest}`, { method: 'PUT', body })).ok);
    return { path, digest };
  };
  const files = [
    await put('train.ts', await readFile(script)),
    await put('opposite.ts', Buffer.from(opposite)),
    await put('model.onnx', Buffer.from(logisticOnnx(1, -1))),
    await put('opposite.onnx', Buffer.from(logisticOnnx(-1, 1))),
  ];
  const text = `loop: turns
data: { source: dataset:turns, time: date, entity: id, label: { column: y, positive: "1", delay: 0s } }
train: { run: ${node} train.ts x1:double x2:double, timeout: 2m }
evaluate: { gates: [{ metric: auc, min: 0.01 }], approval: never }
deploy:
  shadow: { minRequests: 30, maxDisagreement: 1, maxScoreShift: 1 }
  canary: { steps: [50, 100], minLabels: 300 }
improve: { retrain: { on: [manual], cooldown: 0s } }
`;
  await call('/api/v1/loops', { text, files });
  const until = async (is: (loop: Loop) => boolean, meanwhile = async () => {}): Promise<Loop> => {
    for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(20)) {
      const loop = (await call('/api/v1/loops/turns')) as Loop;
      if (is(loop)) return loop;
      await meanwhile();
    }
    throw new Error('the loop did not go on in time');
  };
  const first = await until((loop) => loop.championVersion === 1 && loop.activeTurn === null);
  assert.equal(first.lastTurn?.state, 'promoted', first.lastTurn?.reason);
  const overrides = {
    run: `${node} opposite.ts x1:double x2:double`,
    datasetVersion: registered.version.id,
  };
  await call('/api/v1/loops/turns/trigger', { reason: 'try the opposite', overrides });
  let sent = 0;
  const ask = async (count: number) => {
    const labels = [];
    for (let i = 0; i < count; i++) {
      const { x1, x2, y } = drawn();
      const id = `t${sent++}`;
      const inputs = Object.entries({ x1, x2 }).map(([name, x]) => {
        return { name, datatype: 'FP64', shape: [1, 1], data: [x] };
      });
      await call('/v2/models/turns/infer', { id, parameters: { entity: id }, inputs }, serveUrl);
      labels.push({ predictionId: id, value: y, eventTime: new Date().toISOString() });
    }
    return labels;
  };
  // Nobody knows yet how these ended.
  await until(
    (loop) => loop.activeTurn?.state === 'canary' || loop.lastTurn?.number === 2,
    async () => void (await ask(5)),
  );
  let told = performance.now();
  const end = await until(
    (loop) => loop.lastTurn?.number === 2,
    async () => {
      if (performance.now() - told < 1000) return;
      await call('/api/v1/labels', { endpoint: 'turns', labels: await ask(sent < 500 ? 500 : 50) });
      told = performance.now();
    },
  );
  assert.equal(end.championVersion, 1);
  assert.equal(end.lastTurn?.state, 'rolled-back');
  assert.match(end.lastTurn?.reason ?? '', /^version 2 rolled back: version 2 is worse: log loss worse by /);
  t.diagnostic(
    `${Math.round(performance.now() - told)} ms from the acknowledged labels to the end of the turn`,
  );
  const endpoint = (await call('/api/v1/endpoints/turns')) as { arms: { modelVersion: string }[] };
  assert.deepEqual(
    endpoint.arms.map((arm) => arm.modelVersion),
    ['1'],
  );
}

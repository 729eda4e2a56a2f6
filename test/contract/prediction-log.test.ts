import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { canonicalJson, digestOf } from '../../src/core/json.ts';
import { packageManifestSchema } from '../../src/core/model-package.ts';
import { sqlLiteral } from '../../src/platform/frames/index.ts';
import { importOnnx } from '../../src/platform/onnx/index.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { localFrames } from '../../src/platform/segments/testing.ts';
import { startServer } from '../support/server.ts';

const run = promisify(execFile);
const launcher = fileURLToPath(new URL('../../bin/millrace', import.meta.url));
const start = Date.UTC(2026, 0, 5);

/** Every file below a directory that holds a text. */
async function filesWith(directory: string, text: string): Promise<readonly string[]> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of names) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}

test('a log without names, labelled by name, searched, exported, compacted and erased over HTTP and CLI', async (t) => {
  const server = await startServer(t, { role: 'up' });
  const directory = await mkdtemp(join(tmpdir(), 'millrace-log-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const call = async (method: string, path: string, body?: unknown) => {
    const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
    const response = await fetch(`${server.url}/api/v1/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: isJson ? JSON.stringify(body) : (body as Uint8Array<ArrayBuffer>) }),
      headers: isJson ? { 'content-type': 'application/json' } : {},
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const cli = async (...words: string[]) => (await run(launcher, [...words, '--url', server.url])).stdout;

  const onnx = importOnnx(logisticOnnx(1)).bytes;
  await call('PUT', `blobs/${digestOf(onnx)}`, onnx);
  const manifest = packageManifestSchema.parse({
    formatVersion: 1,
    model: 'delay-model',
    contract: null,
    sample: [{ x1: 0, x2: 0 }],
    ...logisticPackage(),
    onnx: digestOf(onnx),
  });
  const bytes = Buffer.from(canonicalJson(manifest));
  await call('PUT', `blobs/${digestOf(bytes)}`, bytes);
  const log = { hash: ['entity'], redact: ['x2'] };
  await call('POST', 'endpoints', { name: 'delay', model: 'delay-model', options: { log } });
  const deploy = { modelVersion: '1', packageDigest: digestOf(bytes), reason: 'test' };
  await call('POST', 'endpoints/delay/deploy', deploy);

  const predict = async (i: number, entity = `passenger-${i}`) => {
    const body = {
      id: `p${i}`,
      inputs: ['x1', 'x2'].map((name) => ({
        name,
        datatype: 'FP64',
        shape: [1, 1],
        data: [name === 'x1' ? i / 100 : 0.25],
      })),
      parameters: { entity, event_time: new Date(start + i * 1000).toISOString() },
    };
    for (let attempt = 0; attempt < 2400; attempt++) {
      const response = await fetch(`${server.serveUrl}/v2/models/delay/infer`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      await response.text();
      if (response.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail(`prediction ${i} was never answered`);
  };
  for (let i = 0; i < 60; i++) await predict(i);

  // Labels by the entity's own name find the rows that know only its hash.
  const csv = ['entity,at,value,event_time'];
  for (let i = 0; i < 50; i++)
    csv.push(`passenger-${i},${start + i * 1000},${i % 2},${new Date(start + 3_600_000).toISOString()}`);
  csv.push('passenger-51,yesterday,1,2026-01-05T09:00:00Z');
  const upload = await call(
    'POST',
    'label-uploads?endpoint=delay&format=csv&wait=true',
    Buffer.from(`${csv.join('\n')}\n`),
  );
  assert.deepEqual([upload.state, upload.rowsAccepted, upload.rowsRefused], ['done', 50, 1]);
  assert.equal(upload.errors[0].row, 52);
  const waiting = async () => (await call('GET', 'labels/waiting?endpoint=delay')).items.length;
  // The replica ships its segment within ten seconds.
  for (let i = 0; i < 1200 && (await waiting()) > 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(await waiting(), 0);

  const one = await call('GET', 'predictions/p7?endpoint=delay');
  assert.equal(one.label.value, 1);
  assert.match(one.entity, /^h:/);
  assert.match(one.salt, /^[0-9a-f]{12}$/);
  assert.deepEqual([one.sticky, one.override, one.traceId], [true, null, null]);
  assert.deepEqual([one.features.x1, one.features.x2], [0.07, null]);
  assert.match(one.labels[0].note, /the only prediction within the tolerance, at 2026-01-05T00:00:07/);
  assert.deepEqual(await filesWith(join(server.dataDirectory, 'serve'), 'passenger-'), []);
  const high = await call('GET', `predictions?endpoint=delay&minScore=${one.score}&limit=1000`);
  assert.ok(
    high.items.length > 1 &&
      high.items.length < 60 &&
      high.items.every((p: { score: number }) => p.score >= one.score),
  );

  const out = join(directory, 'log.parquet');
  assert.match(await cli('predictions', 'export', 'delay', '--out', out), /60 predictions of delay/);
  const frames = await localFrames();
  const [exported] = await frames.query(
    `SELECT count(*)::INT AS n, count(label)::INT AS labelled, count("feature:x2")::INT AS x2 FROM read_parquet(${sqlLiteral(out)})`,
  );
  assert.deepEqual(exported, { n: 60, labelled: 50, x2: 0 });

  const truth = join(directory, 'truth.parquet');
  await frames.query(
    `COPY (SELECT 'p' || i AS prediction_id, i % 2 = 0 AS value, make_timestamp(${start + 7_200_000}000) AS event_time
       FROM range(60) r(i)) TO ${sqlLiteral(truth)} (FORMAT parquet)`,
  );
  assert.match(await cli('labels', 'delay', truth), /60 labels of delay taken, 0 refused/);
  // The later event time counts; what was said before is kept.
  const corrected = await call('GET', 'predictions/p7?endpoint=delay');
  assert.equal(corrected.label.value, false);
  assert.deepEqual(
    corrected.labels.map((l: { counts: boolean }) => l.counts),
    [true, false],
  );
  assert.equal((await call('GET', 'labels/conflicts?endpoint=delay&limit=1000')).items.length, 50);

  await call('POST', 'prediction-compactions', { force: true });
  // A row that its replica has not sent yet, and a file made of the log, are reached too.
  const window = { from: new Date(start).toISOString(), to: new Date(start + 3_600_000).toISOString() };
  const source = { log: 'delay', ...window };
  const asked = { target: { endpoint: 'delay' }, source };
  const ended = async () => {
    let batch = await call('POST', 'batch-predictions', asked);
    while (batch.status === 'queued' || batch.status === 'running') {
      await new Promise((resolve) => setTimeout(resolve, 50));
      batch = await call('GET', `batch-predictions/${batch.id}`);
    }
    return batch;
  };
  const refused = await ended();
  assert.deepEqual([refused.status, refused.error.code], ['failed', 'logged_features_unusable']);
  assert.match(refused.error.message, /"x2" is redacted/);
  await call('POST', 'endpoints', {
    name: 'delay',
    model: 'delay-model',
    options: { log: { hash: ['entity'] } },
  });
  while (!(await call('GET', 'endpoints/delay')).replicas.every((r: { current: boolean }) => r.current))
    await new Promise((resolve) => setTimeout(resolve, 20));
  await predict(60);
  const batch = await ended();
  assert.deepEqual([batch.status, batch.output.rows], ['succeeded', 61]);
  await predict(61, 'passenger-7');
  // What somebody registered stays, and is named.
  const registered = join(directory, 'passengers.csv');
  await writeFile(registered, 'who,late\npassenger-7,1\npassenger-8,0\n');
  await call('POST', 'dataset-versions', {
    dataset: 'passengers',
    source: { path: registered },
    entity: 'who',
  });
  const told = await cli('erase', '--entity', 'passenger-7', '--reason', 'asked for it');
  assert.match(told, /not reached +dataset passengers version 1: 1 row\n/);
  assert.match(
    told,
    /prediction log +predictions 2, labels 2, waitingLabels 0\nfiles made of the log +files 4/,
  );
  await assert.rejects(
    cli('erase', '--entity', 'passenger-8', '--endpoint', 'dellay', '--reason', 'asked for it'),
    /endpoint "dellay" does not exist/,
  );
  let again = await call('POST', 'erasures', { entity: 'passenger-7', reason: 'asked for it' });
  while (again.status !== 'done') {
    await new Promise((resolve) => setTimeout(resolve, 20));
    again = await call('GET', `erasures/${again.id}`);
  }
  assert.deepEqual(again.parts, [
    { name: 'prediction log', erased: { predictions: 0, labels: 0, waitingLabels: 0 } },
    { name: 'files made of the log', erased: { files: 0 } },
  ]);
  assert.equal((await fetch(`${server.url}/api/v1/batch-predictions/${batch.id}/output`)).status, 410);
  const audit = await call('GET', 'audit-entries?action=predictions:erase');
  assert.equal(audit.items[0].after.predictions + audit.items[1].after.predictions, 2);
  await assert.rejects(
    cli('erase', '--entity', 'passenger-8', '--reason', 'letter of passenger-8'),
    /names the entity/,
  );
  assert.equal((await call('GET', 'labels/summary?endpoint=delay')).total.predictions, 60);
  const gone = await fetch(`${server.url}/api/v1/predictions/p7?endpoint=delay`);
  assert.equal(gone.status, 404);
  await writeFile(join(directory, 'done'), '');
});

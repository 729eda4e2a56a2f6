import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import { storePackage } from '../../../../test/support/serving.ts';
import { canonicalJson, type Digest, digestOf } from '../../../core/json.ts';
import { type GraphStep, packageManifestSchema } from '../../../core/model-package.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { DirectFrames } from '../../../platform/frames/direct-frames.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';
import { describeGraph } from '../../../platform/runtimes/index.ts';
import { hashedValue, keepsPayload } from '../plane/log-policy.ts';
import { openSource } from './batch-source.ts';
import {
  type BatchInputs,
  type BatchLogPolicy,
  type BatchPart,
  batchInputsSchema,
  type StagedInput,
} from './contract.ts';
import { runBatch } from './run-batch.ts';

const directory = await mkdtemp(join(tmpdir(), 'millrace-batch-'));
const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
const frames = await DirectFrames.open({ memoryLimit: '200MB', temporaryDirectory: directory, threads: 1 });
after(async () => {
  frames.close();
  await rm(directory, { recursive: true });
});
const contract = (
  await blobs.put(canonicalJson({ columns: [{ name: 'x1', range: { min: -10, max: 10 } }, { name: 'x2' }] }))
).digest;
const packageDigest = await storePackage(blobs, logisticOnnx(), { ...logisticPackage(), contract });

let policy: BatchLogPolicy = { entityFeature: null, payloadShare: 1, redact: [], hash: [], key: '' };

async function inputsOf(file: string, overrides: Partial<BatchInputs> = {}): Promise<BatchInputs> {
  const { digest } = await blobs.put(createReadStream(file));
  return batchInputsSchema.parse({
    model: 'm',
    modelVersion: '7',
    packageDigest,
    endpoint: null,
    routeVersion: 0,
    entityFeature: null,
    eventTimeFeature: null,
    source: { kind: 'file', name: file, digests: [digest] },
    format: 'parquet',
    keep: null,
    log: false,
    requestedAtMs: 1000,
    ...overrides,
  });
}

async function scored(
  inputs: BatchInputs,
  partRows: number,
  done: BatchPart[] = [],
  signal?: AbortSignal,
  staging: (StagedInput | null)[] = [],
) {
  const workDir = await mkdtemp(join(directory, 'work-'));
  const outputs = await runBatch(inputs, {
    batchId: 'b1',
    context: { blobs, signal: signal ?? new AbortController().signal, workDir, log: () => {} },
    parts: {
      done: async () => ({ items: [...done], staged: staging.at(-1) ?? null }),
      keep: async (part) => {
        done.push(part);
      },
      stage: async (staged) => {
        staging.push(staged);
      },
      window: () => Promise.reject(new Error('its inputs name what is read')),
      logPolicy: async () => policy,
    },
    partRows,
  });
  return { outputs, done, path: await blobs.path(outputs.digest) };
}

async function parquet(name: string, sql: string): Promise<string> {
  const path = join(directory, name);
  await frames.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
  return path;
}

const probability = (x1: number, x2: number) => 1 / (1 + Math.exp(-(x1 - x2)));

test('every row of a Parquet file has its answer, in order, across parts', async () => {
  const file = await parquet(
    'in.parquet',
    "SELECT 'key ' || range AS key, CAST(range % 7 AS INTEGER) AS x1, (range % 5)::DECIMAL(4,1) AS x2, range AS score, 'own' AS input_score FROM range(5000)",
  );
  const { outputs, done, path } = await scored(await inputsOf(file), 2000);
  assert.equal(outputs.rows, 5000);
  assert.equal(outputs.failedRows, 0);
  assert.ok(done.length >= 2);
  const rows = await frames.query(`SELECT * FROM read_parquet('${path}')`);
  assert.deepEqual(Object.keys(rows[0] ?? {}), [
    'key',
    'input_input_score',
    'input_score',
    'prediction',
    'score',
    'model_version',
    'error',
  ]);
  rows.forEach((row, i) => {
    const score = probability(i % 7, i % 5);
    assert.equal(row.key, `key ${i}`);
    assert.deepEqual([row.input_input_score, row.input_score], [i, 'own']);
    assert.ok(Math.abs(Number(row.score) - score) < 1e-6);
    assert.equal(row.prediction, score > 0.5 ? 1 : 0);
    assert.equal(row.model_version, '7');
    assert.equal(row.error, null);
  });
});

test('a graph that gives more values a row than it tells is answered with all of them, or not at all', async () => {
  const told = logisticPackage();
  const outputs = told.graph.outputs.map((output) => ({ ...output, shape: [-1, 1] }));
  const pkg = { ...told, graph: { ...told.graph, outputs }, primary: 'probability' };
  const file = await parquet('sizes.parquet', 'SELECT range * 0.1 AS x1, 0.2 AS x2 FROM range(20)');
  const answered = async (sample: { x1: number; x2: number }[]) => {
    const digest = await storePackage(blobs, logisticOnnx(), { ...pkg, sample });
    const { path } = await scored(await inputsOf(file, { packageDigest: digest }), 100);
    return frames.query(`SELECT prediction, score, error FROM read_parquet('${path}')`);
  };
  for (const { prediction, score, error } of await answered([{ x1: 1, x2: 2 }])) {
    assert.equal(error, null);
    const [other, one] = z.array(z.number()).parse(JSON.parse(String(prediction)));
    assert.ok(Math.abs((one ?? 0) - Number(score)) < 1e-6 && Math.abs(1 - (other ?? 0) - (one ?? 0)) < 1e-6);
  }
  for (const { prediction, error } of await answered([])) {
    assert.equal(prediction, null);
    assert.match(String(error), /"probability" has 2 values a row, where the model tells of one/);
  }
});

test('a package that is made of others, some of them so too, scores a file', async () => {
  const file = await parquet('graph.parquet', 'SELECT range * 0.1 AS x1, 0.2 AS x2 FROM range(20)');
  const manifestOf = async (digest: Digest) =>
    packageManifestSchema.parse(JSON.parse((await blobs.bytes(digest)).toString('utf8')));
  const around = async (inner: Digest): Promise<Digest> => {
    const steps: GraphStep[] = [{ kind: 'model', name: 'inner', package: inner }];
    const manifest = await describeGraph('m', { kind: 'sequence', name: 'all', steps }, manifestOf);
    return (await blobs.put(canonicalJson(manifest))).digest;
  };
  const graph = await around(await around(packageDigest));
  const { outputs, path } = await scored(await inputsOf(file, { packageDigest: graph }), 100);
  assert.equal(outputs.failedRows, 0);
  const rows = await frames.query(`SELECT score FROM read_parquet('${path}')`);
  rows.forEach(({ score }, i) => {
    assert.ok(Math.abs(Number(score) - probability(i * 0.1, 0.2)) < 1e-6);
  });
});

test('rows of a CSV file that are wrong have an error, and their neighbours an answer', async () => {
  const file = join(directory, 'in.csv');
  await writeFile(
    file,
    '\uFEFFid,x1,x2\r\n1,1,2\r\n2,1_0,2\r\n3,,2\r\n"4 ""a"", b\nc",1e1,2\r\n5,1\r\n6,1,2,3\r\n\r\n7,inf,0\r\n8,-1,1',
  );
  const { outputs, path } = await scored(await inputsOf(file, { keep: ['id'] }), 3);
  assert.equal(outputs.rows, 8);
  assert.equal(outputs.failedRows, 5);
  const rows = await frames.query(`SELECT * FROM read_parquet('${path}')`);
  assert.deepEqual(
    rows.map((row) => row.id),
    ['1', '2', '3', '4 "a", b\nc', '5', '6', '7', '8'],
  );
  const errors = rows.map((row) => String(row.error ?? ''));
  assert.match(errors[1] ?? '', /^input_invalid: input "x1" is "1_0"; expected a number/);
  assert.match(errors[2] ?? '', /^input_invalid: input "x1" is missing/);
  assert.match(errors[4] ?? '', /line 7: the record has 2 cells, the header 3/);
  assert.match(errors[5] ?? '', /line 8: the record has 4 cells, the header 3/);
  assert.match(errors[6] ?? '', /Infinity/);
  for (const i of [0, 3, 7]) assert.equal(errors[i], '');
  assert.deepEqual(
    rows.map((row) => row.prediction === null),
    [false, true, true, false, true, true, true, false],
  );
});

/** Parts that are kept until there are so many; then the attempt is stopped, and its process killed. */
function stoppingAt(done: BatchPart[], parts: number, stop: AbortController): BatchPart[] {
  return new Proxy(done, {
    get(target, name) {
      if (name !== 'push') return Reflect.get(target, name);
      return (part: BatchPart) => {
        target.push(part);
        if (target.length === parts) stop.abort();
        return target.length;
      };
    },
  });
}

test('after a crash it goes on with the first row that has no part', async () => {
  const file = await parquet(
    'crash.parquet',
    'SELECT range AS id, 1.0 AS x1, range * 0.001 AS x2 FROM range(9000)',
  );
  const inputs = await inputsOf(file);
  const whole = await scored(inputs, 2048);
  const stop = new AbortController();
  const done: BatchPart[] = [];
  await assert.rejects(scored(inputs, 2048, stoppingAt(done, 2, stop), stop.signal));
  assert.equal(done.length, 2);
  const again = await scored(inputs, 2048, done);
  const read = (path: string) => frames.query(`SELECT id, score FROM read_parquet('${path}')`);
  assert.deepEqual(await read(again.path), await read(whole.path));
  assert.equal(again.outputs.rows, 9000);
});

test('a CSV file is read once, however often the attempt is killed, and each of its rows is answered once', async () => {
  const file = join(directory, 'kills.csv');
  const lines = Array.from({ length: 9000 }, (_, i) => (i % 997 === 5 ? `${i},1` : `${i},"1,5",${i % 7}`));
  await writeFile(file, `id,x1,x2\n${lines.join('\n')}\n`);
  const inputs = await inputsOf(file, {
    source: { kind: 'file', name: file, digests: [], csv: { decimal: 'comma' } },
  });
  const source = { ...inputs.source, digests: [(await blobs.put(createReadStream(file))).digest] };
  const done: BatchPart[] = [];
  const staging: (StagedInput | null)[] = [];
  for (let kill = 1; kill <= 2; kill++) {
    const stop = new AbortController();
    await assert.rejects(
      scored({ ...inputs, source }, 2048, stoppingAt(done, kill, stop), stop.signal, staging),
    );
    assert.equal(done.length, kill);
    // What was sent is not needed any more.
    await blobs.delete(source.digests[0] ?? digestOf(''));
  }
  const { path, outputs } = await scored({ ...inputs, source }, 2048, done, undefined, staging);
  assert.deepEqual(
    staging.map((staged) => staged?.decimal ?? null),
    ['comma', null],
  );
  assert.deepEqual([outputs.rows, outputs.failedRows], [9000, 10]);
  const rows = await frames.query(`SELECT id, score, error FROM read_parquet('${path}')`);
  rows.forEach(({ id, score, error }, i) => {
    assert.equal(id, String(i));
    if (i % 997 === 5) assert.match(String(error), new RegExp(`line ${i + 2}: the record has 2 cells`));
    else assert.ok(Math.abs(Number(score) - probability(1.5, i % 7)) < 1e-6, String(id));
  });
});

test('rows go into the prediction log with ids, entities and times of their own', async () => {
  const file = await parquet(
    'log.parquet',
    `SELECT range AS x1, 0.5 AS x2, 'c' || range AS customer, TIMESTAMP '2026-01-02 00:00:00' + INTERVAL (range) HOUR AS at
     FROM range(20)`,
  );
  const inputs = await inputsOf(file, {
    endpoint: 'churn',
    routeVersion: 3,
    log: true,
    entityFeature: 'customer',
    eventTimeFeature: 'at',
  });
  const { done, path } = await scored(inputs, 100);
  const [part] = done;
  assert.deepEqual(part?.log && { ...part.log, digest: '' }, {
    digest: '',
    minEventTimeMs: Date.UTC(2026, 0, 2),
    maxEventTimeMs: Date.UTC(2026, 0, 2, 19),
  });
  const logged = await frames.query(`SELECT * FROM read_parquet('${await blobs.path(part!.log!.digest)}')`);
  assert.equal(logged.length, 20);
  assert.deepEqual(
    [
      logged[3]?.prediction_id,
      logged[3]?.entity,
      logged[3]?.model_version,
      logged[3]?.arm,
      logged[3]?.bucket,
    ],
    ['b1-3', 'c3', '7', 'champion', null],
  );
  assert.equal(logged[3]?.['feature:x1'], 3);
  assert.match(String(logged[3]?.outputs), /^\{"label":1,"probability":\[0\.0/);
  assert.match(String(logged[15]?.flags), /out-of-range/);
  const [row] = await frames.query(`SELECT * FROM read_parquet('${path}') LIMIT 1 OFFSET 3`);
  assert.equal(row?.prediction_id, 'b1-3');
});

test('a time that is none, such as one in microseconds, is that of the batch', async () => {
  const times = {
    microseconds: `range * 9000000000000000000`,
    doubles: `range * 1e17`,
    timestamps: `CASE WHEN range = 0 THEN TIMESTAMP '1970-01-01' ELSE TIMESTAMP 'infinity' END`,
    texts: `CASE WHEN range = 0 THEN '0' ELSE '1e300' END`,
  };
  for (const [name, time] of Object.entries(times)) {
    const file = await parquet(
      `${name}.parquet`,
      `SELECT range AS x1, 0.5 AS x2, ${time} AS at FROM range(2)`,
    );
    const inputs = await inputsOf(file, { endpoint: 'churn', log: true, eventTimeFeature: 'at' });
    const { done } = await scored(inputs, 100);
    const logged = await frames.query(
      `SELECT event_time_ms FROM read_parquet('${await blobs.path(done[0]!.log!.digest)}') ORDER BY event_time_ms`,
    );
    assert.deepEqual(
      logged.map((row) => Number(row.event_time_ms)),
      [0, inputs.requestedAtMs],
      name,
    );
  }
});

test('rows of a batch are hidden in the log as those of requests are', async (t) => {
  const everything = policy;
  policy = {
    entityFeature: 'customer',
    payloadShare: 0.5,
    redact: ['x2'],
    hash: ['x1', 'customer'],
    key: 'k',
  };
  t.after(() => {
    policy = everything;
  });
  const csv = join(directory, 'hidden.csv');
  const rows = Array.from({ length: 40 }, (_, i) => `${i === 7 ? 'secret' : i},2.5,ada-${i},p${i}`);
  await writeFile(csv, `x1,x2,customer,prediction_id\n${rows.join('\n')}\n`);
  const { done } = await scored(
    await inputsOf(csv, { endpoint: 'churn', log: true, entityFeature: 'customer' }),
    16,
  );
  const paths = await Promise.all(done.map(async (part) => `'${await blobs.path(part.log!.digest)}'`));
  assert.ok(paths.length > 0);
  const logged = await frames.query(`SELECT * FROM read_parquet([${paths.join(', ')}])`);
  assert.equal(logged.length, 40);
  for (const row of logged) {
    const i = Number(String(row.prediction_id).slice(1));
    const keeps = keepsPayload(0.5, `p${i}`);
    assert.equal(row.entity, hashedValue('k', `ada-${i}`));
    assert.equal(row['feature:x1'], keeps && i !== 7 ? hashedValue('k', i) : null);
    assert.equal(row['feature:x2'], null);
    assert.equal(row.outputs !== null, keeps && i !== 7);
    assert.equal(typeof row.score, i === 7 ? 'object' : 'number');
  }
  assert.match(String(logged[7]?.error), /^input_invalid \(its text is left out/);
});

test('a file without a required input, and one that is no table, are refused as a whole', async () => {
  const lacking = await parquet('lacking.parquet', 'SELECT 1.0 AS x1');
  await assert.rejects(scored(await inputsOf(lacking), 10), {
    code: 'batch_column_missing',
    message: /lacking.parquet has no column "x2" \(a number\), which the model needs; it has "x1"/,
  });
  const broken = join(directory, 'broken.parquet');
  await writeFile(broken, 'PAR1 and nothing that follows');
  await assert.rejects(scored(await inputsOf(broken), 10), { code: 'batch_input_unreadable' });
  const misnamed = join(directory, 'misnamed.parquet');
  await writeFile(misnamed, 'x1,x2\n1,2\n');
  await assert.rejects(scored(await inputsOf(misnamed), 10), {
    code: 'batch_input_unreadable',
    message: /not in the Parquet format/,
  });
  const empty = join(directory, 'empty.csv');
  await writeFile(empty, '');
  await assert.rejects(scored(await inputsOf(empty), 10), { code: 'batch_input_unreadable' });
});

test('columns that cannot be told apart or have a name of the batch, and rows that cannot be, are refused', async () => {
  const refused = async (path: string, problem: RegExp) =>
    assert.rejects(openSource(frames, { kind: 'file', name: path, digests: [] }, [path], directory), {
      code: 'batch_input_unreadable',
      message: problem,
    });
  const write = async (name: string, text: string) => {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  };
  // DuckDB writes no such file: names of the same length are put in place of those of its schema and footer.
  const named = async (name: string, from: string, to: string) => {
    const path = await parquet(name, `SELECT {a: 1, b: {c: 2}} AS n, 1.5 AS x1, 2.5 AS "${from}", 0.5 AS x2`);
    const bytes = (await readFile(path)).toString('latin1').replaceAll(from, to);
    await writeFile(path, Buffer.from(bytes, 'latin1'));
    return path;
  };
  const apart = /columns "x1" and "X1" differ in nothing but case/;
  await refused(await named('case.parquet', 'Y9', 'X1'), apart);
  await refused(await named('twice.parquet', 'Y9', 'x1'), /column "x1" comes twice/);
  await refused(
    await write('unclosed.csv', 'x1,x2\n1,2\n"a\nb",2\n3,"4\n5,6\n'),
    /unclosed.csv cannot be read: a quote that is opened in the record of line 5 is never closed/,
  );
  await refused(await write('case.csv', 'x1,X1,x2\n1,2,3\n'), apart);
  for (const own of ['File_Row_Number', '__millrace_problem']) {
    const expected = new RegExp(`it has a column "${own}", a name that batches use themselves`);
    await refused(await parquet('own.parquet', `SELECT 1 AS x1, 2 AS x2, 3 AS ${own}`), expected);
    await refused(await write('own.csv', `x1,x2,${own}\n1,2,3\n`), expected);
  }
});

test('an input without rows has an output without rows, with the columns of any other', async () => {
  const csv = join(directory, 'header.csv');
  await writeFile(csv, 'x1,x2,who\n');
  const sources = [csv, await parquet('none.parquet', "SELECT 1.0 AS x1, 2.0 AS x2, 'a' AS who WHERE false")];
  for (const source of sources) {
    const { outputs, path } = await scored(await inputsOf(source), 10);
    assert.deepEqual([outputs.rows, outputs.failedRows], [0, 0]);
    const columns = await frames.query(`DESCRIBE SELECT * FROM read_parquet('${path}')`);
    assert.deepEqual(
      columns.map((column) => column.column_name),
      ['who', 'prediction', 'score', 'model_version', 'error'],
    );
  }
});

test('CSV files as Excel, pandas and R write them are scored as they are meant', async () => {
  const write = async (name: string, bytes: string | Uint8Array) => {
    const path = join(directory, name);
    await writeFile(path, bytes);
    const { outputs, path: made } = await scored(await inputsOf(path), 1000);
    assert.equal(outputs.rows, 3, name);
    return frames.query(`SELECT * FROM read_parquet('${made}')`);
  };
  const german = 'kunde;x1;x2\r\n"Müller\r\nKöln";0,5;1\r\nb;1.234;1\r\nc;-1e0;,5\r\n';
  const tabs = Buffer.from(`\uFEFF${german.replaceAll(';', '\t').replace('1.234', '1x')}`, 'utf16le');
  for (const [name, bytes, bad] of [
    ['excel.csv', Buffer.from(german, 'latin1'), /1\.234/],
    ['excel-utf8.csv', `\uFEFF${german}`, /1\.234/],
    ['unicode-text.txt', tabs, /1x/],
    ['r.csv', '"","kunde","x1","x2"\n1,"Müller\r\nKöln",0.5,1\n2,"b",NA,1\n3,"c",-1,0.5\n', /x1/],
  ] as const) {
    const rows = await write(name, bytes);
    assert.equal(rows[0]?.kunde, 'Müller\r\nKöln', name);
    assert.ok(Math.abs(Number(rows[0]?.score) - probability(0.5, 1)) < 1e-6, name);
    assert.match(String(rows[1]?.error), bad, name);
    assert.equal(rows[1]?.score, null);
    assert.ok(Math.abs(Number(rows[2]?.score) - probability(-1, 0.5)) < 1e-6, name);
  }
  const unclear = join(directory, 'unclear.csv');
  await writeFile(unclear, 'x1;a,x2\n1;2,3\n');
  await assert.rejects(scored(await inputsOf(unclear), 10), /by comma or by semicolon: say which/);
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Cleanup, startServer, type TestServer } from '../../../../test/support/server.ts';
import { Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import { type Ended, runCommand } from '../testing.ts';

let server: TestServer;
let folder: string;
let frames: Frames;
const cleanups: (() => void | Promise<void>)[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-parquet-'));
  frames = new Frames({ temporaryDirectory: folder, memoryLimit: '512MB', threads: 1 });
  const cleanup: Cleanup = { after: (fn) => void cleanups.push(fn) };
  server = await startServer(cleanup, { role: 'control' });
});

after(async () => {
  await frames.close();
  for (const cleanup of cleanups) await cleanup();
  await rm(folder, { recursive: true, force: true });
});

/** A Parquet file with the rows of a query. */
async function parquet(name: string, select: string): Promise<string> {
  const path = join(folder, `${name}.parquet`);
  await frames.query(`COPY (${select}) TO ${sqlLiteral(path)} (FORMAT parquet)`);
  return path;
}

const millrace = (...words: readonly string[]): Promise<Ended> => runCommand(server.url, words);

interface SearchedRun {
  readonly info: { readonly run_name: string; readonly start_time: number };
  readonly data: {
    readonly metrics?: readonly { readonly key: string; readonly value: unknown; readonly step: number }[];
    readonly params?: readonly { readonly key: string; readonly value: string }[];
    readonly tags?: readonly { readonly key: string; readonly value: string }[];
  };
}

async function runsOf(experiment: string): Promise<readonly SearchedRun[]> {
  const ask = async (path: string, body?: unknown) => {
    const post = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, body === undefined ? {} : post);
    return (await response.json()) as Record<string, unknown>;
  };
  const found = await ask(`experiments/get-by-name?${new URLSearchParams({ experiment_name: experiment })}`);
  const { experiment_id: id } = found.experiment as { experiment_id: string };
  const { runs } = await ask('runs/search', { experiment_ids: [id], order_by: ['attributes.run_name'] });
  return runs as readonly SearchedRun[];
}

const wandb = `SELECT 'run' || (i % 2) AS run_name, 'proj' AS project, k AS key, i AS _step, 1700000000.5 + i AS _timestamp,
    CASE WHEN k = 'note' THEN 'text ' || i WHEN i = 4 THEN 'NaN' ELSE CAST(i * 0.5 AS VARCHAR) END AS value,
    0.01 AS "config.lr", '{"layers": [1, 2], "opt": "adam"}' AS config
  FROM range(6) t(i), (VALUES ('loss'), ('note')) k(k)`;

test('a W&B table becomes runs with points, params and tags; twice is once', async () => {
  const path = await parquet('wandb', wandb);
  for (let again = 0; again < 2; again++) {
    const { code, out, err } = await millrace('import', 'parquet', path, '--format', 'wandb');
    assert.equal(code, 0, out + err);
    assert.match(out, /\nproj +\d+ +2 +6 .* equal\n/);
  }
  const [first, second] = await runsOf('proj');
  assert.equal(first?.info.run_name, 'run0');
  assert.equal(second?.info.run_name, 'run1');
  assert.equal(first?.info.start_time, 1_700_000_000_500);
  assert.deepEqual(
    first?.data.metrics?.map(({ key, value, step }) => [key, value, step]),
    [['loss', 'NaN', 4]],
  );
  assert.deepEqual(Object.fromEntries((first?.data.params ?? []).map(({ key, value }) => [key, value])), {
    layers: '[1,2]',
    lr: '0.01',
    opt: 'adam',
  });
  assert.ok(first?.data.tags?.some(({ key, value }) => key === 'note' && value === 'text 4'));
});

test('a Neptune table keeps single values as params and series as points', async () => {
  const path = await parquet(
    'neptune',
    `SELECT 'p' AS project_id, 'R-1' AS run_id, k AS attribute_path, t AS attribute_type,
        CASE WHEN t = 'float_series' THEN i::DECIMAL(18, 6) END AS step, TIMESTAMPTZ '2024-01-01 00:00:00Z' AS timestamp,
        NULL::BIGINT AS int_value, CASE WHEN t <> 'string' THEN i + 0.5 END::DOUBLE AS float_value,
        CASE WHEN t = 'string' THEN 'nice' END AS string_value
      FROM range(3) r(i), (VALUES ('train/loss', 'float_series'), ('sys/name', 'string'), ('lr', 'float')) k(k, t)
      WHERE t = 'float_series' OR i = 0`,
  );
  const { code, out, err } = await millrace(
    'import',
    'parquet',
    path,
    '--format',
    'neptune',
    '--into',
    'from neptune',
  );
  assert.equal(code, 0, out + err);
  const [run] = await runsOf('from neptune');
  assert.deepEqual(
    run?.data.metrics?.map(({ key, value, step }) => [key, value, step]),
    [['train/loss', 2.5, 2]],
  );
  assert.deepEqual(run?.data.params, [
    { key: 'lr', value: '0.5' },
    { key: 'sys/name', value: 'nice' },
  ]);
  assert.equal(run?.info.start_time, Date.UTC(2024, 0, 1));
});

test('wrong rows and columns are named, before anything is brought', async () => {
  const refused = async (select: string, pattern: RegExp, ...args: readonly string[]) => {
    const ended = await millrace(
      'import',
      'parquet',
      await parquet('wrong', select),
      '--into',
      'wrong',
      ...args,
    );
    assert.equal(ended.code, 1, ended.out);
    assert.match(ended.err, pattern);
  };
  const good = `SELECT 'a' AS run, 'k' AS key, i AS step, 1.0 AS value FROM range(9) t(i)`;
  await refused(
    good.replace('i AS step', 'i / 2 AS step'),
    /row 2: column step is "0.5", which is not a whole/,
  );
  await refused(
    good.replace("'a'", "CASE WHEN i < 5 THEN 'a' END"),
    /row 6: column run is NULL, which is empty/,
  );
  await refused(good, /there is no column "valu"; did you mean "value"\?/, '--column', 'value=valu');
  await refused(good.replace('AS value', 'AS y'), /no column for value: .*its columns are run, key, step, y/);
  await refused(
    good.replace('1.0 AS value', "1.0 AS value, CASE WHEN i < 2 THEN '2024-01-01' ELSE 'soon' END AS time"),
    /row 3: column time is "soon", which is not a time/,
  );
  assert.equal((await millrace('import', 'parquet', 'x', '--format', 'csv')).code, 2);
  const missing = await fetch(`${server.url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=wrong`);
  assert.equal(missing.status, 404);
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DirectFrames } from '../../../platform/frames/direct-frames.ts';
import { hashedValue } from '../plane/log-policy.ts';
import { inputColumns } from './input-columns.ts';
import { LoggedCells } from './logged-cells.ts';

test('whole numbers of a CSV file are logged, and hashed, with all digits that the model was asked with', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-cells-'));
  const frames = await DirectFrames.open({
    memoryLimit: '100MB',
    temporaryDirectory: directory,
    threads: 1,
  });
  t.after(async () => {
    frames.close();
    await rm(directory, { recursive: true });
  });
  const given = ['7', '9007199254740993', '-9223372036854775808', '18446744073709551615', null];
  const source = {
    path: '',
    rows: given.length,
    columns: new Map([['n', 'VARCHAR']]),
    decimal: 'point',
  } as const;
  const field = { name: 'n', type: 'long' as const, required: true, shape: [] };
  const values = given.map((cell, i) => `(${i}, ${cell === null ? 'NULL' : `'${cell}'`})`).join(', ');
  const logged = async (hash: readonly string[], type: 'int64' | 'uint64' = 'int64') => {
    const graph = { inputs: [{ name: 'n', type, shape: [-1], columns: ['n'] }], outputs: [] };
    const columns = inputColumns({ signature: { inputs: [field], outputs: [] }, graph }, source, 'n.csv');
    const inputs = columns.flatMap(({ sql }) => sql).map((sql, i) => `${sql} AS i${i}`);
    const select = `SELECT k AS id, NULL AS entity, ${inputs.join(', ')} FROM (VALUES ${values}) v(k, n)`;
    const cells = new LoggedCells(columns, {
      payloadShare: 1,
      redact: [],
      hash: [...hash],
      entityFeature: null,
      key: 'a key',
    });
    const join = await cells.write(frames, select);
    const [column] = columns;
    assert.ok(column);
    const feature = cells.feature(column, 0).replace(/ AS "feature:n"$/, '');
    const rows = await frames.query(`SELECT CAST(${feature} AS VARCHAR) AS n FROM (${select}) p${join}`);
    return rows.map(({ n }) => n);
  };
  // The log's column has 64 bits, with a sign where the model's input has one.
  assert.deepEqual(await logged([]), [...given.slice(0, 3), null, null]);
  assert.deepEqual(await logged([], 'uint64'), ['7', '9007199254740993', null, '18446744073709551615', null]);
  const hashed = given.map((cell) => (cell === null ? null : hashedValue('a key', cell)));
  assert.deepEqual(await logged(['n']), hashed);
});

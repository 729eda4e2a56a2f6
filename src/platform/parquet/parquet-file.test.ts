import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { openDuckdb } from '../frames/open-duckdb.ts';
import type { ColumnData, ColumnType } from './column-data.ts';
import { ParquetFile } from './parquet-file.ts';

const directory = await mkdtemp(join(tmpdir(), 'millrace-parquet-'));
const connection = await (await openDuckdb({})).connect();
after(() => rm(directory, { recursive: true }));

const path = join(directory, 'a.parquet');
const read = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJS();

type Value = string | number | bigint | boolean | null;

/** Writes row groups of values, one list a row. */
function write(
  columns: readonly (readonly [string, ColumnType])[],
  groups: readonly (readonly (readonly Value[])[])[],
): void {
  const file = new ParquetFile(
    path,
    columns.map(([name, type]) => ({ name, type })),
  );
  for (const group of groups) {
    for (const [c, [, type]] of columns.entries()) {
      const values = group.map((row) => row[c] ?? null);
      const defined = Uint8Array.from(values, (value) => (value === null ? 0 : 1));
      const there = values.filter((value) => value !== null);
      for (const _ of file.column(dataOf(type, there), defined));
    }
    file.endRowGroup(group.length);
  }
  file.end();
  file.close();
}

function dataOf(type: ColumnType, values: readonly Exclude<Value, null>[]): ColumnData {
  if (type === 'BOOLEAN') return { type, values: Uint8Array.from(values, Number) };
  if (type !== 'VARCHAR') {
    const exact = new Map(values.flatMap((v, i) => (typeof v === 'bigint' ? [[i, v] as const] : [])));
    return { type, values: Float64Array.from(values, Number), exact };
  }
  // Something stands between texts, as it does in a segment.
  const parts = values.map((value) => Buffer.from(`-${value}`));
  let end = 0;
  const spans = parts.flatMap((part) => {
    end += part.length;
    return [end - part.length + 1, end];
  });
  return { type, bytes: Buffer.concat(parts), spans: Uint32Array.from(spans) };
}

test('values of every type come back, with and without nulls, from few and from many different texts', async () => {
  const rng = createRng(7);
  const columns = [
    ['id', 'VARCHAR'],
    ['arm', 'VARCHAR'],
    ['mixed', 'VARCHAR'],
    ['same', 'VARCHAR'],
    ['never', 'VARCHAR'],
    ['long', 'VARCHAR'],
    ['x', 'DOUBLE'],
    ['n', 'BIGINT'],
    ['i', 'INTEGER'],
    ['yes', 'BOOLEAN'],
    ['none', 'DOUBLE'],
  ] as const;
  const orNull = (value: Value): Value => (rng.int(5) === 0 ? null : value);
  let id = 0;
  const row = (): Value[] => [
    `é-${id++}`,
    ['champion', 'challenger', 'ünïcode', ''][rng.int(4)] as string,
    orNull(`${rng.int(200)}`),
    'same',
    null,
    orNull('z'.repeat(rng.int(300))),
    orNull(rng.next() * 10 ** (rng.int(40) - 20)),
    orNull((rng.int(2) ? 1 : -1) * Math.floor(rng.next() * 2 ** 53)),
    orNull(rng.int(2 ** 31) - 2 ** 30),
    orNull(rng.int(2) === 0),
    null,
  ];
  const groups = [1, 3000, 0, 257].map((count) => Array.from({ length: count }, row));
  write(columns, groups);
  const types = 'id, arm, mixed, same, never, long, x, n::VARCHAR, i, yes, none';
  const found = await read(`SELECT ${types} FROM read_parquet('${path}')`);
  const expected = groups.flat().map((cells) => cells.map((v, c) => (c === 7 && v !== null ? String(v) : v)));
  assert.deepEqual(found, expected);
  const described = await read(`DESCRIBE SELECT * FROM read_parquet('${path}')`);
  assert.deepEqual(
    described.map(([name, type]) => [name, type]),
    columns.map(([name, type]) => [name, type]),
  );
});

test('row groups tell their least and greatest values, so that readers pass them over', async () => {
  const group = (from: number) =>
    Array.from({ length: 100 }, (_, i): Value[] => [`id-${from + i}`, from + i, -from - i / 2, from]);
  write(
    [
      ['id', 'VARCHAR'],
      ['n', 'BIGINT'],
      ['x', 'DOUBLE'],
      ['i', 'INTEGER'],
    ],
    [group(1000), group(5000)],
  );
  const found = await read(
    `SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count::INT FROM parquet_metadata('${path}')`,
  );
  assert.deepEqual(found, [
    ['id', 'id-1000', 'id-1099', 0],
    ['n', '1000', '1099', 0],
    ['x', '-1049.5', '-1000.0', 0],
    ['i', '1000', '1000', 0],
    ['id', 'id-5000', 'id-5099', 0],
    ['n', '5000', '5099', 0],
    ['x', '-5049.5', '-5000.0', 0],
    ['i', '5000', '5000', 0],
  ]);
  assert.deepEqual(await read(`SELECT n FROM read_parquet('${path}') WHERE id = 'id-5042'`), [[5042n]]);
  assert.deepEqual(await read(`SELECT count(*)::INT FROM read_parquet('${path}') WHERE x < -5000`), [[99]]);
});

test('whole numbers beyond 2^53 come back exactly', async () => {
  const longs = [5, 2n ** 63n - 1n, null, -(2n ** 63n), 9007199254740993n, -1];
  write([['n', 'BIGINT']], [longs.map((value) => [value])]);
  const expected = longs.map((value) => [value === null ? null : BigInt(value)]);
  assert.deepEqual(await read(`SELECT n FROM read_parquet('${path}')`), expected);
  assert.deepEqual(await read(`SELECT n FROM read_parquet('${path}') WHERE n > ${2n ** 62n}`), [
    [2n ** 63n - 1n],
  ]);
  const unsigned = [5, 2n ** 64n - 1n, null, 2n ** 63n, 0];
  write([['n', 'UBIGINT']], [unsigned.map((value) => [value]), [[7], [6]]]);
  const all = [...unsigned, 7, 6].map((value) => [value === null ? null : BigInt(value)]);
  assert.deepEqual(await read(`SELECT n FROM read_parquet('${path}')`), all);
  assert.deepEqual(await read(`SELECT n FROM read_parquet('${path}') WHERE n > 6 AND n < 8`), [[7n]]);
  assert.deepEqual(await read(`SELECT typeof(n) FROM read_parquet('${path}') LIMIT 1`), [['UBIGINT']]);
});

test('a file without rows has its columns', async () => {
  write([['x', 'DOUBLE']], []);
  assert.deepEqual(await read(`SELECT * FROM read_parquet('${path}')`), []);
});

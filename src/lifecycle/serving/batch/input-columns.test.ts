import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DirectFrames } from '../../../platform/frames/direct-frames.ts';
import { inputColumns, readInputs } from './input-columns.ts';

const directory = await mkdtemp(join(tmpdir(), 'millrace-inputs-'));
const frames = await DirectFrames.open({
  memoryLimit: '100MB',
  temporaryDirectory: directory,
  threads: 1,
});
after(async () => {
  frames.close();
  await rm(directory, { recursive: true });
});

function manifestOf(name: string, type: 'long' | 'string') {
  const inputs = [{ name, type, required: true, shape: [] }];
  return { signature: { inputs, outputs: [] }, graph: { inputs: [], outputs: [] } };
}

test('whole numbers of a CSV file keep all their digits', async () => {
  const cells = ['7', '9007199254740993', '-9223372036854775808', ' +9007199254740995', '1e16', '', 'nine'];
  const source = {
    path: '',
    rows: cells.length,
    columns: new Map([['n', 'VARCHAR']]),
    decimal: 'point',
  } as const;
  const columns = inputColumns(manifestOf('n', 'long'), source, 'n.csv');
  const values = cells.map((cell) => `(${cell === '' ? 'NULL' : `'${cell}'`})`).join(', ');
  const sql = columns.flatMap((column) => column.sql).join(', ');
  for await (const chunk of frames.stream(`SELECT ${sql} FROM (VALUES ${values}) v(n)`)) {
    const [read] = readInputs(chunk, columns, 0, [new Float64Array(2048)]);
    const expected = [7, 9007199254740993n, -(2n ** 63n), 9007199254740995n, 1e16, Number.NaN, 'nine'];
    assert.deepEqual([...(read ?? [])].slice(0, cells.length), expected);
  }
});

test('bytes that are text reach a model that takes texts, those that are none are missing', async () => {
  const source = { path: '', rows: 3, columns: new Map([['city', 'BLOB']]), decimal: null };
  const columns = inputColumns(manifestOf('city', 'string'), source, 'c');
  const sql = columns.flatMap((column) => column.sql).join(', ');
  const cells = "VALUES (encode('Köln')), ('\\xFF'::BLOB), (NULL)";
  for await (const chunk of frames.stream(`SELECT ${sql} FROM (${cells}) v(city)`))
    assert.deepEqual(readInputs(chunk, columns, 0, []), [['Köln', null, null]]);
});

test('whole numbers in columns of decimals keep their digits', async () => {
  const source = { path: '', rows: 3, columns: new Map([['n', 'DECIMAL(20,0)']]), decimal: null };
  const columns = inputColumns(manifestOf('n', 'long'), source, 'n');
  const sql = columns.flatMap((column) => column.sql).join(', ');
  const cells = 'VALUES (18446744073709551615::DECIMAL(20,0)), (-5), (NULL)';
  for await (const chunk of frames.stream(`SELECT ${sql} FROM (${cells}) v(n)`))
    assert.deepEqual(readInputs(chunk, columns, 0, []), [[18446744073709551615n, -5, null]]);
});

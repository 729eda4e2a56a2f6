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

function manifestOf(name: string, type: 'long' | 'string' | 'datetime', json?: true) {
  const inputs = [{ name, type, required: true, shape: [], ...(json ? { json } : {}) }];
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

test('lists, structs and maps are the text of their JSON, with all digits; a text is that already', async () => {
  const read = async (type: string, cells: string): Promise<unknown> => {
    const source = { path: '', rows: 1, columns: new Map([['n', type]]), decimal: null };
    const columns = inputColumns(manifestOf('n', 'string', true), source, 'n');
    const [sql] = columns.flatMap((column) => column.sql);
    const chunks = await Array.fromAsync(
      frames.stream(`SELECT ${sql} FROM (VALUES ${cells}) v(n)`),
      (chunk) => readInputs(chunk, columns, 0, []),
    );
    return chunks.flat(2);
  };
  assert.deepEqual(await read('BIGINT[]', '([1, 9007199254740993]), ([]), (NULL)'), [
    '[1,9007199254740993]',
    '[]',
    null,
  ]);
  assert.deepEqual(await read('STRUCT(p VARCHAR, q BIGINT)', "({'p': 'é\"', 'q': NULL})"), [
    '{"p":"é\\"","q":null}',
  ]);
  assert.deepEqual(await read('MAP(VARCHAR, DOUBLE)', "(MAP {'k': 0.5})"), ['{"k":0.5}']);
  const numbers = "({'t': 'a,NaN,\\\"[-Infinity]', 'd': ['NaN'::DOUBLE, 1.5, '-inf'::DOUBLE, NULL]}), (NULL)";
  assert.deepEqual(await read('STRUCT(t VARCHAR, d DOUBLE[])', numbers), [
    '{"t":"a,NaN,\\\\\\"[-Infinity]","d":[null,1.5,null,null]}',
    null,
  ]);
  assert.deepEqual(await read('VARCHAR', "('{\"a\": 1}'), (' [2]'), ('text')"), [
    '{"a": 1}',
    ' [2]',
    '"text"',
  ]);
});

test('times keep their nanoseconds, before 1970 too', async () => {
  const source = { path: '', rows: 2, columns: new Map([['n', 'TIMESTAMP_NS']]), decimal: null };
  const columns = inputColumns(manifestOf('n', 'datetime'), source, 'n');
  const cells =
    "(TIMESTAMP_NS '2023-11-14 22:13:20.123456789'), (TIMESTAMP_NS '1969-12-31 23:59:59.999999999'), (NULL)";
  for await (const chunk of frames.stream(`SELECT ${columns[0]?.sql} FROM (VALUES ${cells}) v(n)`))
    assert.deepEqual(readInputs(chunk, columns, 0, []), [
      ['2023-11-14T22:13:20.123456789Z', '1969-12-31T23:59:59.999999999Z', null],
    ]);
});

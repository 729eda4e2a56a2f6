import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDuckdb } from './open-duckdb.ts';
import { packedList, unpacked, unpackedSql } from './packed-lists.ts';

const long = (of: number) => Array.from({ length: 96 }, (_, i) => of + i / 8);

test('a packed list becomes the JSON of its numbers, whatever their kind', () => {
  const json = JSON.stringify(long(0.25));
  for (const list of [long(0.25), Float32Array.from(long(0.25)), Float64Array.from(long(0.25))]) {
    assert.equal(unpacked(packedList(list) ?? ''), json);
  }
  const whole = Array.from({ length: 96 }, (_, i) => i);
  for (const type of [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array]) {
    assert.equal(unpacked(packedList(type.from(whole)) ?? ''), JSON.stringify(whole));
  }
  const big = BigInt64Array.from(whole, (i) => -(2n ** 62n) - BigInt(i));
  assert.equal(unpacked(packedList(big) ?? ''), `[${big.join(',')}]`);
});

test('singles have the digits that the caller wrote, and what JSON has not is null', () => {
  const values = Float32Array.from({ length: 64 }, () => 0.1);
  values.set([Number.NaN, Number.POSITIVE_INFINITY, -0], 0);
  assert.deepEqual(JSON.parse(unpacked(packedList(values) ?? '')).slice(0, 4), [null, null, 0, 0.1]);
});

test('dimensions come back as nested lists, also of a view into a larger memory', () => {
  const view = Float32Array.from({ length: 100 }, (_, i) => i).subarray(4, 100);
  const nested = JSON.parse(unpacked(packedList(view, [2, 3, 16]) ?? ''));
  assert.deepEqual([nested.length, nested[0].length, nested[1][2].length], [2, 3, 16]);
  assert.deepEqual(nested.flat(2), Array.from(view));
});

test('short lists, and lists with anything but numbers, are not packed', () => {
  assert.equal(packedList([1, 2, 3]), null);
  assert.equal(packedList([...long(1), null]), null);
  assert.equal(packedList(Array.from({ length: 70 }, () => 'a')), null);
});

test('text that only looks like a packed list stays as it is', () => {
  const looks = [
    'f32[3]AAAA',
    `f99[64]${'AAAA'.repeat(64)}`,
    'f32[64]!!',
    'toString[64]AAAA',
    'u8[3]AAAA',
    '',
  ];
  for (const text of ['[1,2]', '', '{"a":[1]}', ...looks.map((look) => `packed:${look}`)])
    for (const given of [text, JSON.stringify({ a: text })]) assert.equal(unpacked(given), given);
});

test('DuckDB makes JSON of packed lists, and of those in objects, row by row', async () => {
  const instance = await openDuckdb({ threads: '1' });
  const connection = await instance.connect();
  const packed = packedList(Float32Array.from(long(1))) ?? '';
  const object = `{"y":"${packed}","id":9007199254740993}`;
  const result = await connection.runAndReadAll(
    `SELECT ${unpackedSql('l')} AS list, ${unpackedSql('o')} AS object FROM
       (VALUES ('${packed}', '${object}'), ('[1]', '{"y":2}'), (NULL, NULL)) t(l, o)`,
  );
  assert.deepEqual(result.getRowObjectsJson(), [
    { list: JSON.stringify(long(1)), object: `{"y":${JSON.stringify(long(1))},"id":9007199254740993}` },
    { list: '[1]', object: '{"y":2}' },
    { list: null, object: null },
  ]);
  connection.closeSync();
});

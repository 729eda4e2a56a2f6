import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inputsByPlace } from './inputs-by-place.ts';
import { readTable } from './table.ts';

test('rows may lack columns; those that have nothing in common are no table', () => {
  const some = readTable('dataframe_records', [{ a: 1 }, { b: 2 }], []);
  assert.deepEqual(
    some.tensors.map(({ name, data }) => [name, Array.from(data)]),
    [
      ['a', [1, null]],
      ['b', [null, 2]],
    ],
  );
  const distinct = (count: number) => Array.from({ length: count }, (_, i) => ({ [`c${i}`]: 1 }));
  assert.equal(readTable('instances', distinct(1000), []).tensors.length, 1000);
  for (const form of ['dataframe_records', 'instances', 'inputs'] as const) {
    assert.throws(() => readTable(form, distinct(50_000), []), {
      code: 'request_malformed',
      message: /the 50000 rows have 50000 different columns/,
    });
  }
});

test('rows without names are all columns of a model whose only input is a tensor of them', () => {
  const namesOf = (data: unknown[][], names: string[]) =>
    readTable('dataframe_split', { data }, names).tensors.map(({ name }) => name);
  assert.deepEqual(namesOf([[1, 2, 3]], ['input']), ['0', '1', '2']);
  assert.deepEqual(namesOf([[1]], ['input']), ['input']);
  assert.deepEqual(readTable('inputs', 'text', ['input']).tensors[0]?.data, ['text']);
  assert.throws(() => readTable('inputs', 'text', ['a', 'b']), { code: 'request_malformed' });
  assert.throws(() => namesOf([[1, 2, 3]], ['a', 'b']), { message: /must be a list of 2 values/ });
});

test('a column that is named twice is refused: one of them would be read as the other', () => {
  const value = { columns: ['a', 'b', 'a'], data: [[1, 2, 3]] };
  assert.throws(() => readTable('dataframe_split', value, []), {
    code: 'request_malformed',
    message: /"columns" names "a" twice/,
  });
});

test('the time that a wide table takes grows with its columns, not with their square', () => {
  const input = { name: 'x', type: 'double' as const, shape: [], required: true };
  const signature = { inputs: [input], outputs: [] };
  const usedMs = (width: number): number => {
    const columns = Array.from({ length: width }, (_, i) => `c${i}`);
    const started = process.cpuUsage();
    const split = readTable('dataframe_split', { columns, data: [columns] }, []);
    assert.equal(inputsByPlace(split, signature).tensors.length, width);
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  };
  assert.ok(usedMs(100_000) < 1000 * Math.max(1, usedMs(1000)));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindRows } from './bind-rows.ts';

test('a column that is a tensor of one value has lists as cells, whether it comes as values or as lists', () => {
  const field = { name: 'x', type: 'double' as const, required: true, shape: [1] };
  const shape = {
    signature: { inputs: [field], outputs: [] },
    graph: { inputs: [{ name: 'x', type: 'double' as const, shape: [-1, 1], columns: ['x'] }], outputs: [] },
  };
  const cellsOf = (data: ArrayLike<unknown>) => {
    const block = bindRows('m', shape, [{ name: 'x', width: 1, data }], 2, null);
    return [block.row(0), block.row(1)];
  };
  assert.deepEqual(cellsOf(new Float64Array([1, 2])), [[[1]], [[2]]]);
  assert.deepEqual(cellsOf([[1], [2]]), [[[1]], [[2]]]);
});

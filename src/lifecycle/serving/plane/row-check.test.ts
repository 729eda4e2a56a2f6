import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelSignatureSchema } from '../../../core/model-package.ts';
import { FlatRows, type RowBlock } from '../../../platform/onnx/index.ts';
import { bindRows } from './bind-rows.ts';
import { featureContractSchema, RowCheck } from './row-check.ts';

const signature = modelSignatureSchema.parse({
  inputs: [
    { name: 'origin', type: 'string' },
    { name: 'hour', type: 'long' },
    { name: 'distance', type: 'double' },
    { name: 'note', type: 'string', required: false },
    { name: 'night', type: 'boolean' },
    { name: 'vector', type: 'float', shape: [2] },
  ],
  outputs: [],
});
const contract = featureContractSchema.parse({
  columns: [
    { name: 'origin', required: true, categories: ['SFO', 'JFK'], range: null },
    { name: 'hour', required: true, range: { min: 0, max: 23 }, categories: null },
    { name: 'distance', required: false, range: { min: 50, max: 5000 }, categories: null },
  ],
});
const check = new RowCheck(signature, contract);
const good = ['SFO', 7, 300.5, 'n', true, [1, 2]];
const withCell = (index: number, value: unknown) => good.map((cell, i) => (i === index ? value : cell));

test('a good row has no flags; what training did not see is flagged and let through', () => {
  assert.equal(check.check(good, null, 'e'), null);
  const flags = check.check(['XYZ', 24, null, undefined, false, [0, 0]], null, 'e');
  assert.deepEqual(flags, [
    { feature: 'origin', kind: 'unseen-category' },
    { feature: 'hour', kind: 'out-of-range' },
    { feature: 'distance', kind: 'missing' },
    { feature: 'note', kind: 'missing' },
  ]);
});

test('each wrong value is refused with its input, value, row and what is expected', () => {
  const cases: [number, unknown, RegExp][] = [
    [0, 5, /input "origin" of row 3 is 5; expected a string/],
    [0, null, /input "origin" of row 3 is missing/],
    [1, 1.5, /input "hour" of row 3 is 1\.5; expected an integer/],
    [1, null, /input "hour" of row 3 is missing/],
    [1, 2 ** 60, /expected an integer/],
    [2, '300', /input "distance" of row 3 is "300"; expected a number/],
    [2, Number.POSITIVE_INFINITY, /is Infinity; expected a number/],
    [4, 1, /input "night" of row 3 is 1; expected true or false/],
    [5, [1], /input "vector" of row 3 is \[1\]; expected a list of shape \[2\], each a number/],
    [5, [1, 'x'], /expected a list of shape \[2\]/],
  ];
  for (const [index, value, message] of cases) {
    assert.throws(() => check.check(withCell(index, value), 3, 'e'), { code: 'input_invalid', message });
  }
  const strict = new RowCheck(signature, null);
  assert.throws(() => strict.check(withCell(2, Number.NaN), null, 'e'), {
    message: /input "distance" is NaN/,
  });
});

const cellsOf = (block: RowBlock) => Array.from({ length: block.rowCount }, (_, i) => block.row(i));

test('an optional time may be left out; an integer has no value for that', () => {
  const inputs = (['datetime', 'binary', 'long'] as const).map((type) => ({
    name: type,
    type,
    required: false,
  }));
  const optional = new RowCheck(modelSignatureSchema.parse({ inputs, outputs: [] }), null);
  assert.deepEqual(optional.check([undefined, null, 1], null, 'e'), [
    { feature: 'datetime', kind: 'missing' },
    { feature: 'binary', kind: 'missing' },
  ]);
  assert.throws(() => optional.check(['2026-01-01', 'AA==', undefined], null, 'e'), {
    code: 'input_invalid',
  });
  const [, , long] = inputs;
  const omittable = new RowCheck(
    modelSignatureSchema.parse({ inputs: [{ ...long, omittable: true }], outputs: [] }),
    null,
  );
  assert.deepEqual(omittable.check([undefined], null, 'e'), [{ feature: 'long', kind: 'missing' }]);
  assert.throws(() => omittable.check([null], null, 'e'), { code: 'input_invalid' });
});

test('a tensor of fractions that may be empty holds values that are none', () => {
  const checkOf = (more: object) =>
    new RowCheck(
      modelSignatureSchema.parse({ inputs: [{ name: 'v', shape: [2], ...more }], outputs: [] }),
      null,
    );
  assert.equal(checkOf({ type: 'float', nullable: true }).check([[1, null]], null, 'e'), null);
  assert.throws(() => checkOf({ type: 'float' }).check([[1, 1e39]], null, 'e'), { code: 'input_invalid' });
  for (const more of [{ type: 'float' }, { type: 'long', nullable: true }])
    assert.throws(() => checkOf(more).check([[1, null]], null, 'e'), { code: 'input_invalid' });
});

test('bytes are a text of base64', () => {
  const inputs = [{ name: 'photo', type: 'binary' }];
  const bytes = new RowCheck(modelSignatureSchema.parse({ inputs, outputs: [] }), null);
  for (const good of ['', 'AA==', 'AAE=', 'AAEC', 'AAE=\n', 'AAEC\r\nAA==\n'])
    assert.equal(bytes.check([good], null, 'e'), null);
  for (const bad of ['!!', 'AA', 'A===', 'AA-_']) {
    assert.throws(() => bytes.check([bad], null, 'e'), {
      code: 'input_invalid',
      message: /expected base64 text/,
    });
  }
});

test('inputs are found by column, by graph input, or side by side in one tensor', () => {
  const shape = {
    signature: modelSignatureSchema.parse({
      inputs: [
        { name: 'a', type: 'double' },
        { name: 'b', type: 'double' },
      ],
      outputs: [],
    }),
    graph: {
      inputs: [{ name: 'x', type: 'float' as const, shape: [-1, 2], columns: ['a', 'b'] }],
      outputs: [],
    },
  };
  const columns = [
    { name: 'b', width: 1, data: [3, 4] },
    { name: 'a', width: 1, data: [1, 2] },
  ];
  const rows = [
    [1, 3],
    [2, 4],
  ];
  const side = { width: 2, data: [1, 3, 2, 4] };
  const bind = (...asked: Parameters<typeof bindRows>) => cellsOf(bindRows(...asked));
  assert.deepEqual(bind('e', shape, columns, 2, new Set()), rows);
  assert.deepEqual(bind('e', shape, [{ name: 'x', ...side }], 2, new Set()), rows);
  assert.deepEqual(bind('e', shape, [{ name: 'anything', ...side }], 2, new Set()), rows);
  const extra = { name: 'entity', width: 1, data: ['u', 'v'] };
  assert.deepEqual(bind('e', shape, [...columns, extra], 2, new Set(['entity'])), rows);
  assert.deepEqual(bind('e', shape, [...columns, extra], 2, null), rows);
  assert.throws(() => bindRows('e', shape, [...columns, extra], 2, new Set()), { code: 'input_unexpected' });
  assert.throws(() => bindRows('e', shape, columns.slice(1), 2, null), {
    code: 'input_missing',
    message: /"b"/,
  });
});

test('rows that lie side by side are checked as lists of cells are, typed or not', () => {
  const inputs = ['a', 'b', 'n'].map((name, i) => ({
    name,
    type: i < 2 ? 'double' : 'integer',
    required: i !== 1,
  }));
  const signature = modelSignatureSchema.parse({ inputs, outputs: [] });
  const columns = [{ name: 'a', required: true, range: { min: 0, max: 1 }, categories: null }];
  const rowCheck = new RowCheck(signature, { columns });
  const shape = { signature, graph: { inputs: [], outputs: [] } };
  const rows = [
    [0.5, 1e300, 7],
    [0, Number.NaN, -7],
    [2, 0.1, 2 ** 31 - 1],
  ];
  const verdicts = (data: ArrayLike<unknown>) => {
    const block = bindRows('e', shape, [{ name: 'all', width: 3, data }], data.length / 3, null);
    assert.notEqual(block.flat, null);
    return rowCheck.checkBlock(block, (row) => row, 'e');
  };
  const expected = rows.map((row, i) => rowCheck.check(row, i, 'e'));
  assert.deepEqual(verdicts(rows.flat()), expected);
  assert.deepEqual(verdicts(Float64Array.from(rows.flat())), expected);
  assert.equal(expected[1]?.[0]?.kind, 'missing');
  assert.equal(expected[2]?.[0]?.kind, 'out-of-range');
  for (const [bad, message] of [
    [[0.5, Number.POSITIVE_INFINITY, 7], /input "b" of row 1 is Infinity/],
    [[Number.NaN, 1, 7], /input "a" of row 1 is NaN/],
    [[0.5, 1, 7.5], /input "n" of row 1 is 7.5/],
    [[0.5, 1, 2 ** 31], /input "n" of row 1/],
  ] as const) {
    const all = [0.5, 1, 7, ...bad];
    for (const data of [all, Float64Array.from(all)])
      assert.throws(() => verdicts(data), { code: 'input_invalid', message });
  }
});

test('rows of a tensor are cut, picked and read with the digits that their callers wrote', () => {
  const single = new FlatRows(Float32Array.of(0.1, 123.456, -3e-9, 16777216, 1 / 3, 0), 2, 3);
  assert.deepEqual(cellsOf(single), [
    [0.1, 123.456],
    [-3e-9, 16777216],
    [0.33333334, 0],
  ]);
  assert.deepEqual(cellsOf(single.slice(1, 3)), cellsOf(single).slice(1));
  assert.deepEqual(cellsOf(single.slice(1, 3).pick([1, 0])), cellsOf(single).slice(1).reverse());
  assert.equal(single.pick([0]).flat?.data.constructor, Float32Array);
  const plain = new FlatRows(['a', 1, 'b', 2], 2, 2);
  assert.deepEqual(cellsOf(plain.pick([1])), [['b', 2]]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../../core/errors.ts';
import { createRng } from '../../../core/rng.ts';
import { decodeRaw, encodeRaw, rawDatatypes } from './raw-tensors.ts';

const examples: Readonly<Record<string, { values: (number | bigint | string | boolean)[]; hex: string }>> = {
  BOOL: { values: [true, false], hex: '0100' },
  INT8: { values: [-128, 127], hex: '807f' },
  UINT8: { values: [0, 255], hex: '00ff' },
  INT16: { values: [-32768, 258], hex: '00800201' },
  UINT16: { values: [65535, 258], hex: 'ffff0201' },
  INT32: { values: [-2, 16909060], hex: 'feffffff04030201' },
  UINT32: { values: [4294967295, 1], hex: 'ffffffff01000000' },
  INT64: {
    values: [-1, 2 ** 53 - 1, 2n ** 53n, -(2n ** 63n)],
    hex: 'ffffffffffffffffffffffffffff1f0000000000000020000000000000000080',
  },
  UINT64: {
    values: [1, 2 ** 53 - 1, 2n ** 53n, 2n ** 64n - 1n],
    hex: '0100000000000000ffffffffffff1f000000000000002000ffffffffffffffff',
  },
  FP16: { values: [1, -2, 65504, 2 ** -24, Infinity], hex: '003c00c0ff7b0100007c' },
  BF16: { values: [1, -2, 3.140625, -Infinity], hex: '803f00c0494080ff' },
  FP32: { values: [1, -0.5, Infinity], hex: '0000803f000000bf0000807f' },
  FP64: { values: [1, -0.5, -Infinity], hex: '000000000000f03f000000000000e0bf000000000000f0ff' },
  BYTES: {
    values: ['', 'Zürich', 'a\0b', '\ufffd'],
    hex: '0000000007000000' + '5ac3bc72696368' + '03000000610062' + '03000000efbfbd',
  },
};

test('every datatype is read and written as its bytes, aligned or not', () => {
  assert.deepEqual(Object.keys(examples).sort(), [...rawDatatypes].sort());
  for (const [datatype, { values, hex }] of Object.entries(examples)) {
    const bytes = Buffer.from(hex, 'hex');
    for (const shift of [0, 1, 3, 7]) {
      const shifted = new Uint8Array(new ArrayBuffer(shift + bytes.length), shift);
      shifted.set(bytes);
      assert.deepEqual(
        [...Array.from(decodeRaw('x', datatype, [values.length], shifted, 'm'))],
        values,
        datatype,
      );
    }
    assert.equal(encodeRaw(datatype, values).toString('hex'), hex, datatype);
  }
});

test('aligned numbers are not copied, and typed arrays are written in place', () => {
  const bytes = new Uint8Array(new Float32Array([1, 2, 3]).buffer);
  const values = decodeRaw('x', 'FP32', [3, 1], bytes, 'm') as Float32Array;
  assert.equal(values.buffer, bytes.buffer);
  assert.equal(encodeRaw('FP32', values).buffer, bytes.buffer);
  const long = new BigInt64Array([2n ** 60n]);
  assert.equal(encodeRaw('INT64', long).buffer, long.buffer);
});

test('half precision: rounding to nearest even, NaN stays NaN, what is too large becomes infinite', () => {
  const again = (datatype: string, values: number[]) =>
    Array.from(decodeRaw('x', datatype, [values.length], encodeRaw(datatype, values), 'm'));
  assert.deepEqual(again('FP16', [2049, 2051, 1e6, NaN]), [2048, 2052, Infinity, NaN]);
  assert.deepEqual(again('BF16', [257, 259, 3.4e38, 1e39, NaN, -NaN]), [
    256,
    260,
    Infinity,
    Infinity,
    NaN,
    NaN,
  ]);
});

test('lying lengths and shapes get one clear error', () => {
  const cases: [string, number[], string, RegExp][] = [
    ['FP32', [2], '00000000', /for input 'x' for model 'm'. Expected 8, got 4: its shape is \[2\] of FP32/],
    ['INT64', [1, 1], '', /Expected 8, got 0/],
    ['BOOL', [1], '02', /element 0 of BOOL is byte 2; use 0 or 1/],
    ['BYTES', [1], 'ffffffff61', /element 0 of BYTES goes beyond the 5 bytes that were sent/],
    [
      'BYTES',
      [2],
      '0000000000',
      /^incomplete string length indicator for inference input 'x' for model 'm', expecting 4 bytes but only 1 bytes available/,
    ],
    [
      'BYTES',
      [2],
      '0400000061616161',
      /^expected 2 string elements for inference input 'x' for model 'm', got 1/,
    ],
    [
      'BYTES',
      [1],
      '000000000000',
      /^unexpected number of string elements 2 for inference input 'x' for model 'm', expecting 1/,
    ],
    ['BYTES', [1], '01000000ff', /element 0 of BYTES is not UTF-8 text; send binary values as base64/],
    ['BYTES', [2 ** 40], '00000000', /^expected 1099511627776 string elements .* got 1/],
    ['FP32', [2 ** 50, 2 ** 50], '00000000', /got 4/],
    ['FP32', [-1], '00000000', /shape \[-1\] must be sizes of 0 or more/],
    ['FP32', [0.5], '0000', /shape \[0\.5\] must be sizes/],
    ['constructor', [1], '00', /"constructor" is not a datatype/],
    ['FP8', [1], '00', /"FP8" is not a datatype; use one of BOOL, INT8/],
  ];
  for (const [datatype, shape, hex, message] of cases) {
    assert.throws(() => decodeRaw('x', datatype, shape, Buffer.from(hex, 'hex'), 'm'), {
      code: 'request_malformed',
      message,
    });
  }
});

test('fuzz: whatever bytes come, they are read or refused, and what is read is written back the same', () => {
  const rng = createRng(20260);
  const random = () => rng.next();
  let read = 0;
  for (let round = 0; round < 20_000; round++) {
    const datatype = rawDatatypes[Math.floor(random() * rawDatatypes.length)] as string;
    const bytes = Buffer.from(
      Array.from({ length: Math.floor(random() * 40) }, () =>
        random() < 0.6 ? 0 : Math.floor(random() * 256),
      ),
    );
    const shape = [Math.floor(random() * 6)];
    try {
      const values = decodeRaw('x', datatype, shape, bytes, 'm');
      assert.equal(values.length, shape[0]);
      const written = encodeRaw(datatype, values);
      const again = decodeRaw('x', datatype, shape, written, 'm');
      assert.deepEqual(Array.from(again), Array.from(values), `${datatype} ${bytes.toString('hex')}`);
      read++;
    } catch (error) {
      assert.ok(error instanceof MillraceError && error.code === 'request_malformed', String(error));
    }
  }
  assert.ok(read > 300, `${read} were readable`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayHoldPythonWords, standardJson } from './python-json.ts';

test('words of Python are JSON, and texts that hold them are as they were', () => {
  const text = '{"NaN": [NaN, -Infinity, Infinity, "a NaN \\" Infinity"]}';
  assert.ok(mayHoldPythonWords(text));
  const value = JSON.parse(standardJson(text)) as unknown;
  assert.deepEqual(value, {
    NaN: [null, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 'a NaN " Infinity'],
  });
});

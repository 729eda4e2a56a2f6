import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../core/errors.ts';
import { withoutPayload } from './error-answer.ts';

test('what the worker itself refuses is told with its input; what MLflow says may quote the request', () => {
  const told = (problem: string) => withoutPayload(fail('input_refused', { problem })).message;
  for (const own of ['is no time that can be read, such as 2026-01-31T12:00:00Z', 'is no JSON'])
    assert.match(told(`input "at" ${own}`), new RegExp(`input "at" ${own}$`));
  assert.match(told('input "x" holds a number that uint8 does not hold (0 to 255)'), /uint8 does not hold/);
  for (const quoting of ["could not convert string to float: 'secret'", 'input "x" was secret'])
    assert.match(told(quoting), /: its values are not what it takes$/);
});

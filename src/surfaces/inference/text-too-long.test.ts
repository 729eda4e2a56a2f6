import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, grpcStatus } from './grpc/status.ts';
import { textTooLong } from './text-too-long.ts';

test('a text that is too long for the engine is told as that, and nothing else is', () => {
  const thrownBy = (make: () => unknown) => {
    try {
      return make();
    } catch (error) {
      return error;
    }
  };
  const tooLong = thrownBy(() => 'x'.repeat(2 ** 28).concat('y'.repeat(2 ** 28)));
  assert.equal(textTooLong(tooLong)?.code, 'text_too_long');
  assert.equal(failureOf(tooLong).status, grpcStatus.resourceExhausted);
  assert.equal(textTooLong(thrownBy(() => new Array(-1))), null);
  assert.equal(textTooLong('Invalid string length'), null);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundedLines } from './bounded-lines.ts';

test('a program that writes too much is cut off for the rest of the minute, and told so', () => {
  const lines: string[] = [];
  let nowMs = 1000;
  const write = boundedLines(
    (line) => lines.push(line),
    10,
    () => nowMs,
  );
  for (const line of ['12345', '1234', 'too long', 'a', 'b']) write(line);
  assert.deepEqual(lines, [
    '12345',
    '1234',
    'more than 10 characters in a minute: the rest of it is left out',
  ]);
  nowMs += 60_000;
  write('again');
  assert.deepEqual(lines.slice(3), ['3 lines were left out of the log', 'again']);
});

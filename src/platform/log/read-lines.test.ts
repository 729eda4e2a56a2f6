import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { readLines } from './read-lines.ts';

test('lines end as programs end them; one that has no end is cut off', async () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  const read = readLines(stream, (line) => lines.push(line));
  for (const text of ['one\ntw', 'o\r\n\r', '\n50 %\r100 %', '\nü'.repeat(1), '\n', 'x'.repeat(10_000)])
    stream.write(text);
  for (let i = 0; i < 20; i++) stream.write('x'.repeat(10_000));
  stream.end('\nlast');
  await read;
  assert.deepEqual(lines, ['one', 'two', '', '50 %', '100 %', 'ü', `${'x'.repeat(16_000)}…`, 'last']);
});

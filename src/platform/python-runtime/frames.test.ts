import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, FrameReader } from './frames.ts';

test('frames are put together again from any pieces, and keep whole numbers beyond 2^53', () => {
  const seed = 2n ** 60n + 1n;
  const body = Buffer.from([1, 2, 3]);
  const sent = Buffer.concat([
    ...encodeFrame({ op: 'predict', params: { seed } }, body),
    ...encodeFrame({ op: 'stop' }, Buffer.alloc(0)),
  ]);
  assert.match(sent.toString('latin1'), new RegExp(`"seed":${seed}[,}]`));
  for (let size = 1; size <= sent.length; size++) {
    const reader = new FrameReader();
    const frames = [];
    for (let at = 0; at < sent.length; at += size) frames.push(...reader.push(sent.subarray(at, at + size)));
    assert.deepEqual(
      frames.map(({ header, body: bytes }) => [header.op, [...bytes]]),
      [
        ['predict', [1, 2, 3]],
        ['stop', []],
      ],
      `in pieces of ${size}`,
    );
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfText, holdsBytes, plainText, textOfBytes, textOfText } from './byte-text.ts';
import { createRng } from './rng.ts';

test('bytes are the same after they were a text, and what is UTF-8 is its own text', () => {
  for (const text of ['', 'Zürich', 'a\0b', '\ufffd', '😀', '\u{10fc00}\u{10ffff}']) {
    assert.equal(textOfBytes(Buffer.from(text)), text);
    assert.equal(holdsBytes(text), false);
  }
  const random = createRng(7);
  const starts = [
    0, 0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xe0, 0xe2, 0xed, 0xf0, 0xf4, 0x8f, 0xba, 0xbb, 0xff, 0x90, 0xa0,
  ];
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(
      Array.from({ length: Math.floor(random.next() * 8) }, () =>
        Number(starts[Math.floor(random.next() * starts.length)]),
      ),
    );
    const text = textOfBytes(bytes);
    assert.deepEqual(bytesOfText(text), bytes);
    assert.ok(text.isWellFormed());
    const isText = Buffer.from(bytes.toString('utf8')).equals(bytes) && !holdsBytes(bytes.toString('utf8'));
    assert.equal(holdsBytes(text), !isText, bytes.toString('hex'));
  }
  // A caller's own characters of the private range are bytes too.
  const own = Buffer.from('\u{10fe80}');
  assert.deepEqual(bytesOfText(textOfBytes(own)), own);
  assert.equal(textOfText('a\u{10fe80}'), textOfBytes(Buffer.from('a\u{10fe80}')));
  assert.equal(plainText(textOfText('a\u{10fe80}é')), 'a\u{10fe80}é');
  assert.equal(plainText(textOfBytes(Buffer.of(0x61, 0x80))), null);
  assert.equal(plainText('é'), 'é');
});

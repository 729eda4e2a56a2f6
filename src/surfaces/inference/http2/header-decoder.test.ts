import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../../core/rng.ts';
import { Http2Error } from './frames.ts';
import { headerBlock } from './header-block.ts';
import { HeaderDecoder } from './header-decoder.ts';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

function decoded(decoder: HeaderDecoder, block: Buffer): string[] {
  const lines: string[] = [];
  decoder.decode(block, ({ name, value }) => lines.push(`${name}: ${value}`));
  return lines;
}

const get = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const getUncached = [...get, 'cache-control: no-cache'];
const getIndex = [
  ':method: GET',
  ':scheme: https',
  ':path: /index.html',
  ':authority: www.example.com',
  'custom-key: custom-value',
];
const found = [
  'cache-control: private',
  'date: Mon, 21 Oct 2013 20:13:21 GMT',
  'location: https://www.example.com',
];

test('the examples of RFC 7541, appendix C: plain, in the Huffman code, and with a small table', () => {
  const plain = new HeaderDecoder();
  assert.deepEqual(decoded(plain, bytes('8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d')), get);
  assert.deepEqual(decoded(plain, bytes('8286 84be 5808 6e6f 2d63 6163 6865')), getUncached);
  assert.deepEqual(
    decoded(plain, bytes('8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65')),
    getIndex,
  );

  const huffman = new HeaderDecoder();
  assert.deepEqual(decoded(huffman, bytes('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')), get);
  assert.deepEqual(decoded(huffman, bytes('8286 84be 5886 a8eb 1064 9cbf')), getUncached);
  assert.deepEqual(
    decoded(huffman, bytes('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')),
    getIndex,
  );

  // A table of 256 bytes, which the first block asks for: old fields have to make room.
  const small = new HeaderDecoder();
  const first = '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff';
  const second = '6e91 9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3';
  assert.deepEqual(decoded(small, bytes(`3fe101 ${first} ${second}`)), [':status: 302', ...found]);
  assert.deepEqual(decoded(small, bytes('4883 640e ffc1 c0bf')), [':status: 307', ...found]);
  assert.deepEqual(
    decoded(
      small,
      bytes(
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7' +
          'b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ),
    ),
    [
      ':status: 200',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:22 GMT',
      'location: https://www.example.com',
      'content-encoding: gzip',
      'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    ],
  );
});

test('what is written is read: long values, many fields', () => {
  const headers = { ':status': '200', 'grpc-message': 'x'.repeat(20_000), empty: '', b: 'ü'.repeat(127) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  assert.deepEqual(decoded(new HeaderDecoder(), headerBlock(headers)), lines);
});

test('blocks that cannot be read end in one kind of error', () => {
  const wrong = {
    'index 0': '80',
    'an index that nothing has': 'be',
    'a number without an end': 'ff ff ff ff ff ff ff ff ff 01',
    'a number cut off': '7f 80',
    'a text cut off': '40 0a 61',
    'a table that is too large': '3f e2 1f',
    'a size within a block': '82 20',
    'padding with a zero': '00 81 1e 81 f0',
    'padding longer than seven bits': '00 82 1f ff 00',
    'the end of the text inside of it': '00 84 ff ff ff ff 00',
  };
  for (const [name, hex] of Object.entries(wrong)) {
    assert.throws(() => decoded(new HeaderDecoder(), bytes(hex)), Http2Error, name);
  }
});

test('random bytes are fields or that error', () => {
  const random = createRng(20261122);
  for (let round = 0; round < 2000; round++) {
    const decoder = new HeaderDecoder();
    const block = Buffer.from(Array.from({ length: 1 + random.int(60) }, () => random.int(256)));
    try {
      decoded(decoder, block);
    } catch (error) {
      assert.ok(error instanceof Http2Error, `${block.toString('hex')}: ${String(error)}`);
    }
  }
});

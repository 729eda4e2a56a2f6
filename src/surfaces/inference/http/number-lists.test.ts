import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../../core/rng.ts';
import { parseJson, parseTensorJson } from './json-body.ts';
import { cutNumberLists } from './number-lists.ts';

const bodyOf = (...data: string[]) =>
  Buffer.from(`{"inputs":[${data.map((list) => `{"name":"\\"data\\":[1]","data" : ${list}}`).join(',')}]}`);
const long = '1,'.repeat(60_000);

test('long lists of numbers are the numbers that JSON.parse reads, bit by bit', () => {
  const random = createRng(7);
  const kinds: readonly (() => string)[] = [
    () => String(Math.floor(random.next() * 1e6)),
    () => String(-random.next()),
    () => random.next().toFixed(8),
    () => (random.next() * 10 ** (random.next() * 600 - 300)).toExponential(),
    () => String(Math.fround(random.next())),
    () => `-0.0${Math.floor(random.next() * 1e12)}`,
    () => '-0',
    () => '1E+2',
    () => String(Number.MAX_SAFE_INTEGER),
  ];
  const texts = Array.from({ length: 40_000 }, (_, i) => kinds[i % kinds.length]?.() ?? '');
  const nested = `[ \n[${texts.slice(0, 20_000).join(', ')}] , [${texts.slice(20_000).join(',')}]]`;
  const body = bodyOf(`[${texts.join(',')}]`, nested, '[1,2]');
  const [flat, rows, short] = parseTensorJson(body).inputs as { readonly data: ArrayLike<number> }[];
  const wanted = texts.map(Number);
  for (const read of [flat?.data, rows?.data]) {
    assert.ok(read instanceof Float64Array);
    assert.ok(read.length === wanted.length && wanted.every((value, i) => Object.is(value, read[i])));
  }
  assert.deepEqual(short?.data, [1, 2]);
});

test('a list that is anything else is read as JSON, or refused as such', () => {
  const deep = (depth: number) => `${'['.repeat(depth)}${long}1${']'.repeat(depth)}`;
  assert.ok(cutNumberLists(bodyOf(deep(100))));
  for (const tail of ['null]', 'true]', '"1"]', '[1]]', '9007199254740993]', 'NaN]', '[]]']) {
    const body = bodyOf(`[${long}${tail}`);
    assert.equal(cutNumberLists(body), null, tail);
    assert.deepEqual(parseTensorJson(body), parseJson(body));
  }
  assert.equal(cutNumberLists(bodyOf(deep(101))), null);
  for (const wrong of [']', '1.]', '.5]', '+1]', '1e]', '1', '1 2]', '-]', '01]', ',1]']) {
    const body = bodyOf(`[${long}${wrong}`);
    assert.equal(cutNumberLists(body), null, wrong);
    assert.throws(() => parseTensorJson(body), { code: 'request_malformed' });
  }
  const forged = Buffer.from(`{"inputs":[{"data":{"number list":0}},{"data":[${long}1]}]}`);
  const [first] = parseTensorJson(forged).inputs as readonly { readonly data: unknown }[];
  assert.ok(!(first?.data instanceof Float64Array));
  // A list that is no tensor's stays where it is, and so do two of one tensor.
  const list = `[${long}1]`;
  for (const text of [
    `{"inputs":[{"data":[1]}],"parameters":{"data":${list}}}`,
    `{"data":${list}}`,
    `{"inputs":[{"data":${list},"data":${list}}]}`,
    `{"inputs":[{"data":${list}},{"data":{"number list":0}}],"data":${list}}`,
    `{"inputs":[{"data":{"number list":0}},{"data":{"number list":"length"}}],"parameters":{"data":${list}}}`,
  ]) {
    const body = Buffer.from(text);
    assert.deepEqual(parseTensorJson(body), JSON.parse(text));
  }
});

test('JSON of more values than memory should hold is refused before it is parsed', () => {
  const refused = { code: 'request_malformed', message: /values.*a request may have 16000000/ };
  assert.throws(() => parseTensorJson(bodyOf(`[${'1,'.repeat(16_000_000)}1]`)), refused);
  assert.throws(() => parseJson(Buffer.from(`{"instances":[${'[],'.repeat(3_300_000)}[]]}`)), refused);
  const text = JSON.stringify({ text: ',[{\\",'.repeat(3_000_000) });
  assert.deepEqual(parseJson(Buffer.from(text)), JSON.parse(text));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { uuidv7 } from './ids.ts';
import { canonicalJson, digestOf, digestOfJson, isDigest } from './json.ts';
import { createRng } from './rng.ts';
import { parseInput } from './schema.ts';
import { formatDuration, formatTime, parseDuration, parseTime } from './time.ts';

test('ids sort by time and say version and variant', () => {
  const early = uuidv7(1_000_000_000_000);
  const late = uuidv7(1_000_000_000_001);
  assert.match(early, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(early < late);
  assert.equal(Number.parseInt(early.replaceAll('-', '').slice(0, 12), 16), 1_000_000_000_000);
  assert.equal(new Set(Array.from({ length: 10_000 }, () => uuidv7(5))).size, 10_000);
});

test('durations need a unit and add up', () => {
  assert.equal(parseDuration('90s'), 90_000);
  assert.equal(parseDuration('1h30m'), 5_400_000);
  assert.equal(parseDuration(' 1.5 d '), 129_600_000);
  for (const wrong of ['', '90', '5 flights', 'h', '-1h', '1h x']) {
    assert.throws(() => parseDuration(wrong, 'train.timeout'), {
      code: 'invalid_duration',
      message: /^train\.timeout/,
    });
  }
  assert.deepEqual([850, 42_000, 252_000, 3_600_000, 11_100_000, 187_200_000].map(formatDuration), [
    '850 ms',
    '42 s',
    '4 min 12 s',
    '1 h',
    '3 h 5 min',
    '2 d 4 h',
  ]);
});

test('times are RFC 3339, with UTC where no offset is given', () => {
  const noon = Date.UTC(2001, 2, 4, 12);
  assert.equal(parseTime('2001-03-04T12:00:00Z'), noon);
  assert.equal(parseTime('2001-03-04 14:00+02:00'), noon);
  assert.equal(parseTime('2001-03-04T12:00'), noon);
  assert.equal(parseTime('2001-03-04'), noon - 43_200_000);
  assert.equal(parseTime('2000-02-29'), Date.UTC(2000, 1, 29));
  assert.equal(formatTime(noon), '2001-03-04T12:00:00.000Z');
  for (const wrong of ['yesterday', '2001-13-01', '2001-02-29', '2001-04-31T12:00Z', '04.03.2001', '']) {
    assert.throws(() => parseTime(wrong, 'to'), { code: 'invalid_time', message: /^to: / });
  }
});

test('equal values have equal canonical JSON and digest, whatever their order', () => {
  assert.equal(canonicalJson({ b: [1, { d: null, c: 'é' }], a: undefined }), '{"b":[1,{"c":"é","d":null}]}');
  assert.equal(digestOfJson({ a: 1, b: 2 }), digestOfJson({ b: 2, a: 1 }));
  assert.ok(isDigest(digestOf('')));
  for (const other of [`${digestOf('')}0`, digestOf('').slice(0, -1), digestOf('').toUpperCase()]) {
    assert.equal(isDigest(other), false, other);
  }
  assert.equal(digestOf(''), 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.throws(() => canonicalJson({ a: Number.NaN }), TypeError);
});

test('a seed gives one stream, uniform and normal as they should be', () => {
  const a = createRng(7);
  const b = createRng(7);
  assert.deepEqual(Array.from({ length: 5 }, a.next), Array.from({ length: 5 }, b.next));
  const rng = createRng(1);
  const uniform = Array.from({ length: 100_000 }, () => rng.next());
  const normal = Array.from({ length: 100_000 }, () => rng.normal());
  const mean = (xs: readonly number[]) => xs.reduce((s, x) => s + x, 0) / xs.length;
  assert.ok(Math.abs(mean(uniform) - 0.5) < 0.005);
  assert.ok(Math.abs(mean(normal)) < 0.015);
  assert.ok(Math.abs(mean(normal.map((x) => x * x)) - 1) < 0.03);
});

test('of a value that fits no shape, the nearest shape complains', () => {
  const schema = z.strictObject({
    source: z.union([
      z.strictObject({ path: z.string(), format: z.enum(['csv', 'parquet']) }),
      z.strictObject({ digest: z.string() }),
    ]),
  });
  const complaint = (value: unknown): string => {
    try {
      parseInput(schema, value);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(complaint({ source: { path: 'x', format: 'xls' } }), /^body\.source\.format: .*csv/);
  assert.match(complaint({ source: { digest: 5 } }), /^body\.source\.digest: /);
  assert.match(complaint({}), /^body\.source: /);
  assert.match(complaint({ source: { digest: 'x' }, n: 1 }), /"n"/);
});

test('a complaint names the field, what was expected and the value', () => {
  const schema = z.strictObject({
    name: z.string().min(1),
    share: z.number().min(0).max(1).optional(),
    limit: z.coerce.number().int().min(1).optional(),
    kind: z.enum(['csv', 'parquet']).optional(),
    since: z.iso.datetime().optional(),
    tags: z.array(z.string()).max(1).optional(),
    options: z.strictObject({ payloadShare: z.number() }).optional(),
    step: z.discriminatedUnion('do', [z.strictObject({ do: z.literal('train') })]).optional(),
  });
  const wrong: readonly (readonly [unknown, string])[] = [
    [[], 'body: expected an object, not a list'],
    [{}, 'body.name: is missing; expected text'],
    [{ name: '' }, 'body.name: expected at least 1 character, not ""'],
    [{ name: null }, 'body.name: expected text, not null'],
    [{ name: 'x', share: 7 }, 'body.share: expected at most 1, not 7'],
    [{ name: 'x', limit: 'abc' }, 'body.limit: expected a number, not "abc"'],
    [{ name: 'x', limit: 1.5 }, 'body.limit: expected a whole number, not 1.5'],
    [{ name: 'x', kind: 'xls' }, 'body.kind: expected one of "csv", "parquet", not "xls"'],
    [{ name: 'x', since: 'noon' }, 'body.since: expected a time such as 2026-01-31T12:00:00Z, not "noon"'],
    [{ name: 'x', tags: ['a', 'b'] }, 'body.tags: expected at most 1 item, not 2'],
    [{ name: 'x', lmit: 3 }, 'body: unknown key "lmit"; did you mean "limit"?'],
    [
      { name: 'x', options: { y: 1, z: 2, payloadShare: 1 } },
      'body.options: unknown keys "y", "z"; the keys are payloadShare',
    ],
    [
      { name: 'x', options: { zzz: 1, payloadShare: 1 } },
      'body.options: unknown key "zzz"; the keys are payloadShare',
    ],
    [{ name: 'x', step: { do: 'rest' } }, 'body.step.do: expected "train", not "rest"'],
  ];
  for (const [value, message] of wrong) {
    assert.throws(() => parseInput(schema, value), { code: 'invalid_input', message });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as f from './format.ts';

const plain = (text: string): string => text.replaceAll('\u202f', ' ').replaceAll('\u2212', '-');

test('a result keeps only the digits its interval makes certain', () => {
  assert.deepEqual(f.formatInterval(0.71342, 0.7072, 0.7195), { value: '0.713', half: '0.006' });
  assert.deepEqual(f.formatInterval(0.4456789, 0.444, 0.4471), { value: '0.4457', half: '0.0017' });
  assert.deepEqual(f.formatInterval(12.3, 10, 14), { value: '12', half: '2' });
});

test('missing is a dash, never a zero', () => {
  for (const write of [f.formatCount, f.formatNumber, f.formatPercent, f.formatDuration, f.formatBytes]) {
    assert.equal(write(Number.NaN), '–');
    assert.equal(write(null), '–');
  }
});

test('numbers are short and grouped', () => {
  assert.equal(plain(f.formatCount(1234567)), '1 234 567');
  assert.equal(plain(f.formatCount(-1500)), '-1 500');
  assert.equal(plain(f.formatNumber(0.00012345)), '0.000123');
  assert.equal(plain(f.formatNumber(1234.5678)), '1 235');
  assert.equal(plain(f.formatNumber(0.5)), '0.5');
  assert.equal(
    f.formatNumber(-1e-9),
    '\u22121.00e\u22129',
    'no hyphen, at which a narrow column would break it',
  );
  assert.equal(f.formatNumber(1e300, 3), '1.00e300', 'decimals are not certain there');
  assert.equal(plain(f.formatSigned(0.0112, 3)), '+0.011');
  assert.equal(plain(f.formatSigned(-0.0001, 3)), '0.000');
  assert.equal(plain(f.formatPercent(0.0213)), '2.1 %');
  assert.equal(plain(f.formatPercent(0.9)), '90 %');
  assert.equal(plain(f.formatPercent(0)), '0 %');
  assert.equal(plain(f.formatPercent(1)), '100 %');
});

test('what is neither none nor all is not written so', () => {
  assert.equal(plain(f.formatPercent(0.00003)), '<0.01 %');
  assert.equal(plain(f.formatPercent(0.996)), '99.6 %');
  assert.equal(plain(f.formatPercent(0.9997)), '99.97 %');
  assert.equal(plain(f.formatPercent(0.99999)), '>99.99 %');
});

test('a start has its time of day unless that is midnight', () => {
  assert.equal(f.formatStart(Date.UTC(2026, 2, 8)), 'Mar 8');
  assert.equal(f.formatStart(Date.UTC(2026, 2, 8, 10)), '2026-03-08 10:00');
});

test('a moment in full has the reader’s own time beside UTC, where that is another', () => {
  const at = Date.UTC(2026, 2, 8, 23, 30, 5);
  assert.equal(f.formatMomentInFull(at, 0), '2026-03-08 23:30:05 UTC');
  assert.equal(f.formatMomentInFull(at, 330), '2026-03-08 23:30:05 UTC\n2026-03-09 05:00:05 by your clock');
});

test('durations have at most two units', () => {
  assert.equal(plain(f.formatDuration(252_000)), '4 min 12 s');
  assert.equal(plain(f.formatDuration(380)), '380 ms');
  assert.equal(plain(f.formatDuration(86_400_000 * 3 + 3_600_000 * 4 + 5)), '3 d 4 h');
  assert.equal(plain(f.formatDuration(3_600_000)), '1 h');
  assert.equal(plain(f.formatRelative(0, 3 * 86_400_000)), '3 d ago');
  assert.equal(plain(f.formatRelative(10_000, 0)), 'in 10 s');
});

test('ids are shortened without losing what tells them apart', () => {
  assert.equal(f.shortId(`sha256:${'ab'.repeat(32)}`), 'ababababab');
  assert.equal(f.shortId('0192f0c1-aaaa-7bbb-8ccc-1234567890ab'), '567890ab');
  assert.equal(f.shortId('flight-delay'), 'flight-delay');
});

test('recorded values keep the digits that are read', () => {
  assert.equal(f.shortValue('-0.18000000000000005'), '\u22120.18');
  assert.equal(f.shortValue('0.123456789'), '0.123457');
  assert.equal(f.shortValue('1234567890123'), '1234567890123', 'an id loses nothing');
  assert.equal(f.shortValue('v1.2.3-long-name'), 'v1.2.3-long-name');
});

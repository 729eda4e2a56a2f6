import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareLabelDays } from './label-days.ts';

const HOUR_MS = 3_600_000;
const day = (date: string, labelled: number, missing: number, hours: number | null) => ({
  day: date,
  labelled,
  missing,
  delayMs: hours === null ? null : { p50: hours * HOUR_MS, p95: 2 * hours * HOUR_MS },
});

test('each day is a bar of labelled and missing, and its delays in hours; none where nothing is labelled', () => {
  const made = prepareLabelDays([day('2001-02-01', 40, 60, 6), day('2001-02-02', 0, 7, null)]);
  assert.equal(made.unit, 'h');
  assert.deepEqual(
    made.half.map((point) => point.value),
    [6, null],
  );
  assert.deepEqual(
    made.most.map((point) => point.value),
    [12, null],
  );
  const start = Date.UTC(2001, 1, 2);
  assert.deepEqual(made.counts[1], {
    startMs: start,
    endMs: start + 24 * HOUR_MS,
    parts: [
      { id: 'labelled', count: 0 },
      { id: 'missing', count: 7 },
    ],
  });
});

test('delays of many days are written in days', () => {
  const made = prepareLabelDays([day('2001-02-01', 40, 60, 96)]);
  assert.deepEqual([made.unit, made.half[0]?.value], ['d', 4]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyMoments, type Moments, mergeMoments, momentsOf } from '../../core/statistics/moments.ts';
import { inflationOf } from './inflation.ts';
import { overWholeDays, type PairedHour } from './whole-days.ts';

const total = (parts: readonly Moments[]) => parts.reduce(mergeMoments, emptyMoments);

/** Hours with as many pairs as requests, unless told otherwise; two values around a level that the hour has. */
function hoursOf(
  count: number,
  level: (hour: number) => number,
  {
    labels = () => 10,
    requests = () => 10,
  }: Partial<Record<'labels' | 'requests', (h: number) => number>> = {},
): readonly PairedHour[] {
  return Array.from({ length: count }, (_, hour) => ({
    hour,
    requests: requests(hour),
    differences: momentsOf(
      Array.from({ length: labels(hour) }, (_, i) => level(hour) + (i % 2 ? 0.1 : -0.1)),
    ),
  }));
}

/** Better in the first half of the day by as much as worse in the second. */
const byHour = (hour: number): number => (hour % 24 < 12 ? -1 : 1);

test('nothing is said before three whole days were seen', () => {
  assert.equal(overWholeDays(hoursOf(72, byHour)), null);
  assert.equal(overWholeDays([]), null);
  assert.ok(overWholeDays(hoursOf(73, byHour)));
});

test('what an hour adds is no uncertainty, and half a day more does not move the mean', () => {
  for (const count of [73, 84, 90, 96, 100]) {
    const parts = overWholeDays(hoursOf(count, byHour)) ?? [];
    const { n, mean, m2 } = total(parts);
    assert.equal(n, 10 * count);
    assert.ok(Math.abs(mean) < 1e-12, `mean ${mean} after ${count} hours`);
    // Only the ±0.1 within the hours is left, a little more for hours' means from few days.
    assert.ok(m2 / n > 0.01 && m2 / n < 0.03, `variance ${m2 / n}`);
    assert.equal(inflationOf(parts), 1);
  }
});

test('an evening whose labels are late, and a split that leaves the champion less, do not make it morning', () => {
  const evening = (hour: number) => hour % 24 >= 12;
  const late = hoursOf(80, byHour, { labels: (hour) => (evening(hour) ? 3 : 10) });
  assert.ok(Math.abs(total(overWholeDays(late) ?? []).mean) < 0.04);
  const busier = hoursOf(80, byHour, { requests: (hour) => (evening(hour) ? 30 : 10) });
  assert.ok(Math.abs(total(overWholeDays(busier) ?? []).mean - 0.5) < 1e-12);
});

test('days that differ stay uncertainty', () => {
  const parts =
    overWholeDays(hoursOf(24 * 12 + 1, (hour) => (Math.floor(hour / 24) % 3 === 0 ? 0.2 : -0.1))) ?? [];
  assert.ok(inflationOf(parts) > 20, `${inflationOf(parts)}`);
});

test('hours that were labelled on few days have no mean of their own: what they differ by stays', () => {
  const rare = (hour: number) => hour % 24 === 3;
  const seldom = hoursOf(100, (hour) => (rare(hour) ? 5 : 0), {
    labels: (h) => (rare(h) && h > 48 ? 0 : 10),
  });
  const { n, m2 } = total(overWholeDays(seldom) ?? []);
  assert.ok(m2 / n > 0.5, `variance ${m2 / n}`);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createRng, type Rng } from '../../core/rng.ts';
import { rolloutSpecSchema } from '../contract.ts';
import { alpha, assertWithin, heavy, otherSeed } from './rates.testing.ts';
import { type Ended, type Simulated, type Simulation, simulate } from './simulation.testing.ts';

/*
 * Differences that follow the hour of the day, looked at four times a day for ten days. A version that is better in the
 * morning by as much as it is worse in the evening is neither. See simulation.test.ts for what does not need days.
 */
const usual = 30;

function planOf(changes: Readonly<Record<string, unknown>> = {}) {
  return rolloutSpecSchema.parse({
    kind: 'canary',
    version: 2,
    shadow: null,
    steps: [1, 10, 50, 100],
    alpha,
    margin: 0.03,
    minLabels: 300,
    minRequests: 5,
    minTime: '1d',
    prove: 'better',
    maxTime: '365d',
    ...changes,
  });
}

interface Traffic {
  /** By how much the challenger's loss is greater, by the hour of the day (0 to 24). */
  readonly byHour: (hour: number) => number;
  /** Whether all labels come at once, and none is missing. */
  readonly isPrompt?: boolean;
  /** How much there is of it, and how often it is looked at, if not as usual. */
  readonly requestsPerHour?: number;
  readonly looks?: number;
  readonly hoursPerLook?: number;
  /** Hours that a mood lasts in which the arms differ beyond that, and its standard deviation. */
  readonly mood?: { readonly hours: number; readonly size: number };
}

/** A fifth of the labels never comes, the others after up to half a day. The rollout begins at any time of the day. */
function drawn({ byHour, mood, isPrompt, requestsPerHour = usual }: Traffic): Simulation['draw'] {
  const keep = mood ? Math.exp(-1 / (mood.hours * requestsPerHour)) : 0;
  let [begin, now] = [0, 0];
  return (rng: Rng, time: number, share: number): Simulated => {
    if (time === 0) [begin, now] = [24 * rng.next(), (mood?.size ?? 0) * rng.normal()];
    if (mood) now = keep * now + mood.size * Math.sqrt(1 - keep * keep) * rng.normal();
    const challenger = rng.next() < share;
    const hour = (begin + time / requestsPerHour) % 24;
    const level = 0.2 * Math.sin((2 * Math.PI * hour) / 24);
    const gap = byHour(hour) + now + 0.1 * rng.normal();
    const known = isPrompt || rng.next() >= 0.2;
    return {
      challenger,
      loss: known ? level - 0.4 * Math.log(1 - rng.next()) + (challenger ? gap : 0) : null,
      difference: known ? gap : null,
      delay: isPrompt ? 0 : rng.int(3),
    };
  };
}

function ends(runs: number, seed: number, traffic: Traffic, spec = planOf()): readonly Ended[] {
  const rng = createRng(seed + otherSeed);
  const { looks = 40, hoursPerLook = 6, requestsPerHour = usual } = traffic;
  const days = { looks, requestsPerLook: hoursPerLook * requestsPerHour, hoursPerLook };
  return Array.from({ length: runs }, () => simulate(rng, { spec, ...days, draw: drawn(traffic) }));
}

/** Promoting one that is no better, or giving up one that is no worse, is wrong. */
function assertEqualVersions(t: TestContext, all: readonly Ended[]): void {
  assertWithin(t, all.filter(({ end }) => end !== 'undecided').length, all.length);
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** All are found worse but one in ten, and half of them by a day. */
function assertWorseBy(t: TestContext, day: number, all: readonly Ended[]): void {
  const found = all.filter(({ end }) => end === 'worse').length;
  assert.ok(found >= 0.9 * all.length, `${found} of ${all.length} found`);
  const median = medianOf(all.map(({ looks }) => looks / 4));
  t.diagnostic(
    `${found} of ${all.length} found, median after ${median} days and ${medianOf(all.map((e) => e.answered))} answers`,
  );
  assert.ok(median <= day, `median day ${median}`);
}

const wave = (size: number) => (hour: number) => size * Math.sin((2 * Math.PI * hour) / 24);
const runs = heavy ? 300 : 40;

test('A/A that follows the hour, labels late and missing: within the stated rate', (t) => {
  assertEqualVersions(t, ends(runs, 1, { byHour: wave(0.2) }));
  assertEqualVersions(t, ends(runs, 2, { byHour: (hour) => (hour < 12 ? 1 : -1) }));
});

test('A/A that follows the hour, and moods of an hour and of three: within the stated rate', (t) => {
  assertEqualVersions(t, ends(runs, 3, { byHour: wave(0.1), mood: { hours: 1, size: 0.05 } }));
  assertEqualVersions(t, ends(runs, 4, { byHour: wave(0.1), mood: { hours: 3, size: 0.05 } }));
});

test('A/A that follows the hour, own requests of each arm: within the stated rate', (t) => {
  assertEqualVersions(t, ends(runs, 5, { byHour: wave(0.1) }, planOf({ mirror: false })));
});

test('A/A better in one half of the day by as much as worse in the other: a shadow of days keeps it from being ended in its first hours', (t) => {
  const busy = { requestsPerHour: 120, looks: 48, hoursPerLook: 3 };
  const halves = { byHour: (hour: number) => (hour < 12 ? 0.2 : -0.2), isPrompt: true, ...busy };
  const ended = (plan: Readonly<Record<string, unknown>>) =>
    ends(runs, 11, halves, planOf(plan)).filter((e) => e.end !== 'undecided');
  t.diagnostic(`without a shadow ${ended({}).length} of ${runs} ended`);
  assertWithin(t, ended({ shadow: { minTime: '4d' } }).length, runs);
});

test('A/A whose days differ, to be proved not worse: given up within the stated rate', (t) => {
  const notWorse = planOf({ prove: 'notWorse' });
  const daily = ends(runs, 10, { byHour: () => 0, mood: { hours: 24, size: 0.02 } }, notWorse);
  const wrong = daily.filter(({ end }) => end === 'worse').length;
  t.diagnostic(`${daily.filter(({ end }) => end === 'promoted').length} of ${daily.length} promoted`);
  assertWithin(t, wrong, daily.length);
});

test('power: a version that is bad in the afternoon only is aborted when three days were seen', (t) => {
  const afternoon = (size: number) => ({ byHour: (hour: number) => (hour < 12 ? 0 : size) });
  assertWorseBy(t, 4, ends(runs, 6, afternoon(2.6)));
  assertWorseBy(t, 4, ends(runs, 7, { ...afternoon(0.2), mood: { hours: 1, size: 0.03 } }));
});

test('power: a version that is worse at all hours is aborted without waiting for days', (t) => {
  assertWorseBy(t, 1, ends(runs, 8, { byHour: () => 0.1 }));
  assertWorseBy(t, 3, ends(runs, 9, { byHour: () => 0.05, mood: { hours: 1, size: 0.03 } }));
});

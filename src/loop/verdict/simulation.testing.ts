import type { Rng } from '../../core/rng.ts';
import { emptyMoments, type Moments, mergeMoments, momentsOf } from '../../core/statistics/moments.ts';
import type { RolloutLook, RolloutSpec } from '../contract.ts';
import { blockCount } from './inflation.ts';
import { judge } from './judge.ts';
import { type ArmStratum, nothingObserved, type Observation } from './observation.ts';
import { type InflatedMoments, pairedMoments } from './paired-moments.ts';

/** One request of a simulated rollout; a loss is null while its label is missing. */
export interface Simulated {
  readonly challenger: boolean;
  /** What was measured of the arm that answered, and (mirrored) of both on the same request. */
  readonly loss: number | null;
  readonly difference: number | null;
  /** Number of looks after which the label is known. */
  readonly delay: number;
}

/** A rollout to simulate: its plan, how often it is looked at, and how its requests are drawn. */
export interface Simulation {
  readonly spec: RolloutSpec;
  readonly looks: number;
  readonly requestsPerLook: number;
  /** Event time between two looks, hours; a minute when left out. */
  readonly hoursPerLook?: number;
  /** Draws a request; `time` counts requests, `share` is the challenger's. */
  readonly draw: (rng: Rng, time: number, share: number) => Simulated;
}

/** How a simulated rollout ended: its last look, and how many there were. */
export interface Ended {
  readonly end: 'promoted' | 'worse' | 'fail' | 'undecided';
  readonly look: RolloutLook;
  readonly looks: number;
  /** Requests that the challenger answered. */
  readonly answered: number;
}

/** A labelled pair, at its event time in hours since the first request. */
interface TimedDifference {
  readonly hour: number;
  readonly difference: number;
}

/**
 * Runs a canary through its shadow (if it has one) and steps by the judge itself, on requests that are drawn. Labels come in after their delay;
 * pairs have their variance inflated by their means over stretches of time, as the reading of the log does it.
 */
export function simulate(rng: Rng, simulation: Simulation): Ended {
  const { spec, looks, requestsPerLook, hoursPerLook = 1 / 60, draw } = simulation;
  if (spec.kind !== 'canary') throw new Error('canaries are simulated');
  const arms = { champion: new Map<number, Moments>(), challenger: new Map<number, Moments>() };
  const requests = { champion: new Map<number, number>(), challenger: new Map<number, number>() };
  const waiting: (Simulated & { readonly route: number; readonly known: number; readonly hour: number })[] =
    [];
  const differences: TimedDifference[] = [];
  const traffic: number[] = [];
  const lookMs = hoursPerLook * 3_600_000;
  const ended = (end: Ended['end'], look: RolloutLook): Ended => ({
    end,
    look,
    looks: Math.round((look.timeMs.have + stepSince) / lookMs),
    answered: [...requests.challenger.values()].reduce((sum, n) => sum + n, 0),
  });
  // The shadow is the step before the first one.
  let step = spec.shadow === null ? 0 : -1;
  let stepSince = 0;
  let isProved = false;
  let time = 0;
  let last: RolloutLook | undefined;
  for (let at = 1; at <= looks; at++) {
    const share = shareOf(spec, step);
    for (let i = 0; i < requestsPerLook; i++) {
      const hour = (time / requestsPerLook) * hoursPerLook;
      const request = draw(rng, time++, share);
      const counts = request.challenger ? requests.challenger : requests.champion;
      counts.set(step, (counts.get(step) ?? 0) + 1);
      traffic[Math.floor(hour)] = (traffic[Math.floor(hour)] ?? 0) + 1;
      waiting.push({ ...request, hour, route: step, known: at + request.delay });
    }
    const known = waiting.filter((r) => r.known <= at);
    waiting.splice(0, waiting.length, ...waiting.filter((r) => r.known > at));
    for (const { challenger, loss, difference, route, hour } of known) {
      if (difference !== null && !challenger) differences.push({ hour, difference });
      if (loss === null) continue;
      const own = challenger ? arms.challenger : arms.champion;
      own.set(route, mergeMoments(own.get(route) ?? emptyMoments, { n: 1, mean: loss, m2: 0 }));
    }
    differences.sort((a, b) => a.hour - b.hour);
    const pairs = spec.mirror ? pairedAsObserved(differences, traffic) : undefined;
    const seen = observation(spec, arms, requests, pairs, step);
    last = judge({
      spec,
      stage: step < 0 ? 'shadow' : 'canary',
      percent: 100 * shareOf(spec, step),
      nextPercent: spec.steps[step + 1],
      routeVersion: step,
      isProved,
      champion: { arm: 'champion', version: '1' },
      arms: [{ arm: 'challenger', version: '2' }],
      seen,
      stepSinceMs: stepSince,
      beganMs: 0,
      nowMs: at * lookMs,
      eventMs: at * lookMs,
    });
    if (last.verdict === 'fail') {
      return ended(last.comparisons.some((c) => c.verdict === 'worse') ? 'worse' : 'fail', last);
    }
    if (last.verdict === 'waiting') continue;
    step++;
    isProved = spec.steps[step] === 100;
    if (step >= spec.steps.length) return ended('promoted', last);
    stepSince = at * lookMs;
  }
  if (!last) throw new Error('no look');
  return ended('undecided', last);
}

function observation(
  spec: Extract<RolloutSpec, { kind: 'canary' }>,
  arms: Readonly<Record<'champion' | 'challenger', ReadonlyMap<number, Moments>>>,
  requests: Readonly<Record<'champion' | 'challenger', ReadonlyMap<number, number>>>,
  paired: InflatedMoments | undefined,
  lastStep: number,
): Observation {
  const stratum = (arm: 'champion' | 'challenger', step: number): ArmStratum => {
    const share = shareOf(spec, step);
    const count = requests[arm].get(step) ?? 0;
    const moments = arms[arm].get(step) ?? emptyMoments;
    return {
      arm,
      version: arm === 'champion' ? '1' : '2',
      routeVersion: step,
      propensity: arm === 'champion' ? 1 - share : share,
      requests: count,
      units: count,
      refused: 0,
      failedUnits: 0,
      newUnits: count,
      overdueUnits: count,
      failed: 0,
      nonFinite: 0,
      slow: 0,
      labelled: moments.n,
      metrics: { [spec.metric]: moments },
    };
  };
  const first = spec.shadow === null ? 0 : -1;
  const routes = Array.from({ length: lastStep + 1 - first }, (_, i) => first + i);
  const strata = routes.flatMap((step) => [stratum('champion', step), stratum('challenger', step)]);
  if (!paired) return { ...nothingObserved, strata };
  const pairs = {
    version: '2',
    metrics: { [spec.metric]: paired.moments },
    inflation: { [spec.metric]: paired.inflation },
  };
  // What the champion is asked is copied.
  const copied = strata.filter((s) => s.arm === 'champion');
  const shadows = copied.map((s): ArmStratum => ({ ...s, arm: 'shadow', version: '2', propensity: 1 }));
  return { ...nothingObserved, strata, shadows, pairs: [pairs] };
}

/** The challenger's share in a step; -1: the shadow. */
function shareOf({ steps }: Extract<RolloutSpec, { kind: 'canary' }>, step: number): number {
  return step < 0 ? 0 : (steps[step] ?? 100) / 100;
}

/**
 * As observePairs reads it from the log.
 *
 * @param differences in the order of time
 * @param traffic requests by hour
 */
function pairedAsObserved(
  differences: readonly TimedDifference[],
  traffic: readonly number[],
): InflatedMoments {
  const size = differences.length / blockCount;
  const values = Float64Array.from(differences, (d) => d.difference);
  const cut = (from: number, to: number) => momentsOf(values.subarray(from, to));
  const blocks = Array.from({ length: blockCount }, (_, i) =>
    cut(Math.round(i * size), Math.round((i + 1) * size)),
  );
  const byHour = Map.groupBy(differences, (d) => Math.floor(d.hour));
  const hours = Array.from(traffic, (requests = 0, hour) => ({
    hour,
    requests,
    differences: momentsOf((byHour.get(hour) ?? []).map((d) => d.difference)),
  }));
  return pairedMoments(blocks, hours);
}

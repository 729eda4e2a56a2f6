import type { Rng } from '../../core/rng.ts';
import { emptyMoments, type Moments, mergeMoments, momentsOf } from '../../core/statistics/Moments.ts';
import type { RolloutLook, RolloutSpec } from '../contract.ts';
import { inflationOf, stretchCounts } from './inflation.ts';
import { judge } from './judge.ts';
import { type ArmStratum, nothingObserved, type Observation } from './observation.ts';

/** One request of a simulated rollout; a loss is null while its label is missing. */
export interface Simulated {
  readonly challenger: boolean;
  /** What was measured of the arm that answered, and (mirrored) of both on the same request. */
  readonly loss: number | null;
  readonly difference: number | null;
  /** Number of looks after which the label is known. */
  readonly delay: number;
}

export interface Simulation {
  readonly spec: RolloutSpec;
  readonly looks: number;
  readonly requestsPerLook: number;
  /** Draws a request; `time` counts requests, `share` is the challenger's. */
  readonly draw: (rng: Rng, time: number, share: number) => Simulated;
}

/** How a simulated rollout ended: its last look. */
export interface Ended {
  readonly end: 'promoted' | 'worse' | 'fail' | 'undecided';
  readonly look: RolloutLook;
}

/**
 * Runs a canary through its steps by the judge itself, on requests that are drawn. Labels come in after their delay;
 * pairs have their variance inflated by their means over stretches of time, as the reading of the log does it.
 */
export function simulate(rng: Rng, { spec, looks, requestsPerLook, draw }: Simulation): Ended {
  if (spec.kind !== 'canary') throw new Error('canaries are simulated');
  const arms = { champion: new Map<number, Moments>(), challenger: new Map<number, Moments>() };
  const requests = { champion: new Map<number, number>(), challenger: new Map<number, number>() };
  const waiting: (Simulated & { readonly route: number; readonly known: number })[] = [];
  const differences: number[] = [];
  let step = 0;
  let stepSince = 0;
  let isProved = false;
  let time = 0;
  let last: RolloutLook | undefined;
  for (let at = 1; at <= looks; at++) {
    const share = (spec.steps[step] ?? 100) / 100;
    for (let i = 0; i < requestsPerLook; i++) {
      const request = draw(rng, time++, share);
      const counts = request.challenger ? requests.challenger : requests.champion;
      counts.set(step, (counts.get(step) ?? 0) + 1);
      waiting.push({ ...request, route: step, known: at + request.delay });
    }
    const known = waiting.filter((r) => r.known <= at);
    waiting.splice(0, waiting.length, ...waiting.filter((r) => r.known > at));
    for (const { challenger, loss, difference, route } of known) {
      if (difference !== null && !challenger) differences.push(difference);
      if (loss === null) continue;
      const own = challenger ? arms.challenger : arms.champion;
      own.set(route, mergeMoments(own.get(route) ?? emptyMoments, { n: 1, mean: loss, m2: 0 }));
    }
    const seen = observation(spec, arms, requests, differences, step);
    last = judge({
      spec,
      stage: 'canary',
      percent: spec.steps[step] ?? 100,
      nextPercent: spec.steps[step + 1],
      routeVersion: step,
      isProved,
      champion: { arm: 'champion', version: '1' },
      arms: [{ arm: 'challenger', version: '2' }],
      seen,
      stepSinceMs: stepSince,
      beganMs: 0,
      nowMs: at * 60_000,
      eventMs: at * 60_000,
    });
    if (last.verdict === 'fail') {
      return { end: last.comparisons.some((c) => c.verdict === 'worse') ? 'worse' : 'fail', look: last };
    }
    if (last.verdict === 'waiting') continue;
    step++;
    isProved = spec.steps[step] === 100;
    stepSince = at * 60_000;
    if (step >= spec.steps.length) return { end: 'promoted', look: last };
  }
  if (!last) throw new Error('no look');
  return { end: 'undecided', look: last };
}

function observation(
  spec: Extract<RolloutSpec, { kind: 'canary' }>,
  arms: Readonly<Record<'champion' | 'challenger', ReadonlyMap<number, Moments>>>,
  requests: Readonly<Record<'champion' | 'challenger', ReadonlyMap<number, number>>>,
  differences: readonly number[],
  lastStep: number,
): Observation {
  const stratum = (arm: 'champion' | 'challenger', step: number): ArmStratum => {
    const share = (spec.steps[step] ?? 100) / 100;
    const count = requests[arm].get(step) ?? 0;
    const moments = arms[arm].get(step) ?? emptyMoments;
    return {
      arm,
      version: arm === 'champion' ? '1' : '2',
      routeVersion: step,
      propensity: arm === 'champion' ? 1 - share : share,
      ...{ requests: count, newUnits: count, failed: 0, nonFinite: 0, slow: 0, labelled: moments.n },
      metrics: { [spec.metric]: moments },
    };
  };
  const strata = Array.from({ length: lastStep + 1 }, (_, step) => [
    stratum('champion', step),
    stratum('challenger', step),
  ]).flat();
  const moments = momentsOf(differences);
  const pairs = {
    version: '2',
    metrics: { [spec.metric]: moments },
    inflation: { [spec.metric]: inflation(differences, moments) },
  };
  return { ...nothingObserved, strata, pairs: spec.mirror ? [pairs] : [] };
}

/** As observe reads it from the log. */
function inflation(differences: readonly number[], moments: Moments): number {
  return inflationOf(
    moments,
    stretchCounts.map((count) => {
      const size = differences.length / count;
      return Array.from(
        { length: count },
        (_, i) => momentsOf(differences.slice(Math.round(i * size), Math.round((i + 1) * size))).mean,
      );
    }),
  );
}

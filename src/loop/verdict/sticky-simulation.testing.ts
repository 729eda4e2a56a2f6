import type { Rng } from '../../core/rng.ts';
import type { RolloutLook, RolloutSpec } from '../contract.ts';
import { LiveObservation } from '../rollouts/live/live-observation.ts';
import { banditState } from './bandit.ts';
import { judge } from './judge.ts';
import { nothingObserved } from './observation.ts';

/** A rollout whose requests are of entities that come back, to the same arm while the split leaves them there. */
export interface StickyRollout {
  readonly spec: RolloutSpec;
  readonly entities: number;
  /** Entity k asks in proportion to (k + 1)^−skew: 0, all alike; 1, few ask for most. */
  readonly skew: number;
  readonly looks: number;
  readonly requestsPerLook: number;
  /** What is true of an entity: the chance that its label is 1, and that its requests fail. */
  readonly entity: (rng: Rng) => { readonly label: number; readonly failure?: number };
  /** With what probability the challenger fails by itself. */
  readonly broken?: number;
}

/** How it ended, and its last look. */
interface StickyEnd {
  readonly end: 'promoted' | 'failed' | 'undecided';
  readonly look: RolloutLook;
}

/** Runs one: rows and labels are counted as they are live, judged, and steps or shares followed. */
export function simulateSticky(rng: Rng, rollout: StickyRollout): StickyEnd {
  const { spec, looks, requestsPerLook } = rollout;
  const people = Array.from({ length: rollout.entities }, (_, k) => {
    return { ...rollout.entity(rng), bucket: rng.next(), weight: (k + 1) ** -rollout.skew };
  });
  const ends: number[] = [];
  for (const { weight } of people) ends.push((ends.at(-1) ?? 0) + weight);
  const live = new LiveObservation(spec, 0);
  const arms = [
    { arm: 'champion', version: '1' },
    { arm: 'challenger', version: '2' },
  ] as const;
  let share = spec.kind === 'canary' ? (spec.steps[0] ?? 100) / 100 : 0.1;
  let [route, step, request] = [0, 0, 0];
  let look: RolloutLook | undefined;
  for (let at = 0; at < looks; at++) {
    for (let i = 0; i < requestsPerLook; i++) {
      const who = firstAbove(ends, rng.next() * (ends.at(-1) ?? 0));
      const person = people[who];
      if (!person) continue;
      const isChallenger = person.bucket < share;
      const failed = rng.next() < (person.failure ?? 0) + (isChallenger ? (rollout.broken ?? 0) : 0);
      const predictionId = `p${request++}`;
      live.addRow({
        predictionId,
        ...(isChallenger ? arms[1] : arms[0]),
        routeVersion: route,
        entity: `e${who}`,
        status: failed ? 'model_failed' : 'ok',
        score: failed ? null : 0.5,
        latencyUs: 1000,
        bucket: 1,
        propensity: isChallenger ? share : 1 - share,
        eventTimeMs: request,
        receivedAtMs: 2000 * request,
        cells: null,
      });
      live.addLabel({
        predictionId,
        value: rng.next() < person.label ? 1 : 0,
        eventTimeMs: request,
        seq: request,
      });
    }
    const seen = live.observation(nothingObserved);
    const timeMs = at * 60_000;
    look = judge({
      spec,
      seen,
      champion: arms[0],
      arms: [arms[1]],
      stage: spec.kind,
      percent: 100 * share,
      nextPercent: spec.kind === 'canary' ? spec.steps[step + 1] : undefined,
      routeVersion: route,
      isProved: share === 1,
      stepSinceMs: 0,
      beganMs: 0,
      nowMs: timeMs,
      eventMs: timeMs,
    });
    if (look.verdict === 'fail') return { end: 'failed', look };
    if (look.verdict === 'pass') {
      const next = spec.kind === 'canary' ? spec.steps[++step] : undefined;
      if (next === undefined) return { end: 'promoted', look };
      [share, route] = [next / 100, route + 1];
    } else if (spec.kind === 'bandit') {
      const shares = { champion: 1 - share, challenger: share };
      const state = banditState(spec, arms, shares, seen, null);
      [share, route] = [state.arms.find(({ arm }) => arm === 'challenger')?.share ?? share, route + 1];
    }
  }
  if (!look) throw new Error('no look');
  return { end: 'undecided', look };
}

/** The first of ascending numbers that is not below. */
function firstAbove(ends: readonly number[], value: number): number {
  let [low, high] = [0, ends.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

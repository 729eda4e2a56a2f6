import type { Rng } from '../../core/rng.ts';
import { momentsOf } from '../../core/statistics/moments.ts';
import type { BanditSpec, RolloutLook } from '../contract.ts';
import { banditState } from './bandit.ts';
import { judge } from './judge.ts';
import { type ArmStratum, nothingObserved } from './observation.ts';

/** A bandit and the arms that its requests are drawn for. */
export interface SimulatedBandit {
  readonly spec: BanditSpec;
  readonly looks: number;
  readonly requestsPerLook: number;
  /** The reward of a request; `time` counts requests. */
  readonly reward: (rng: Rng, challenger: boolean, time: number) => number;
  /** Share of the rewards that never come, and the number of looks after which the others do. */
  readonly missing?: number;
  readonly delay?: (rng: Rng) => number;
}

/** What became of a simulated bandit. */
export interface BanditEnd {
  readonly end: 'promoted' | 'failed' | 'undecided';
  readonly look: RolloutLook;
  /** The challenger's share at the end. */
  readonly share: number;
}

/** Runs a bandit of two arms: the judge and the shares are those of rollouts; each look is a route version of its own. */
export function simulateBandit(rng: Rng, simulation: SimulatedBandit): BanditEnd {
  const { spec, looks, requestsPerLook, reward, missing = 0, delay = () => 0 } = simulation;
  const arms = [
    { arm: 'champion', version: '1' },
    { arm: 'challenger', version: '2' },
  ] as const;
  const routes: {
    readonly share: number;
    readonly rewards: [number[], number[]];
    readonly counts: number[];
  }[] = [];
  const waiting: {
    readonly known: number;
    readonly route: number;
    readonly arm: 0 | 1;
    readonly value: number;
  }[] = [];
  let share = 0.1;
  let time = 0;
  let look: RolloutLook | undefined;
  for (let at = 0; at < looks; at++) {
    const route = { share, rewards: [[], []] as [number[], number[]], counts: [0, 0] };
    routes.push(route);
    for (let i = 0; i < requestsPerLook; i++) {
      const arm = rng.next() < share ? 1 : 0;
      route.counts[arm] = (route.counts[arm] ?? 0) + 1;
      const value = reward(rng, arm === 1, time++);
      if (rng.next() >= missing) waiting.push({ known: at + delay(rng), route: at, arm, value });
    }
    const known = waiting.filter((w) => w.known <= at);
    waiting.splice(0, waiting.length, ...waiting.filter((w) => w.known > at));
    for (const { route: of, arm, value } of known) routes[of]?.rewards[arm].push(value);
    const strata = routes.flatMap((r, routeVersion) =>
      arms.map(({ arm, version }, i): ArmStratum => {
        const [requests, own] = [r.counts[i] ?? 0, momentsOf(r.rewards[i as 0 | 1])];
        return {
          arm,
          version,
          routeVersion,
          propensity: i === 1 ? r.share : 1 - r.share,
          requests,
          units: requests,
          refused: 0,
          failedUnits: 0,
          newUnits: requests,
          overdueUnits: requests,
          failed: 0,
          nonFinite: 0,
          slow: 0,
          labelled: own.n,
          metrics: { [spec.metric]: own },
        };
      }),
    );
    const seen = { ...nothingObserved, strata };
    look = judge({
      spec,
      stage: 'bandit',
      percent: 100 * share,
      nextPercent: undefined,
      routeVersion: at,
      isProved: false,
      champion: arms[0],
      arms: [arms[1]],
      seen,
      stepSinceMs: 0,
      beganMs: 0,
      nowMs: at * 60_000,
      eventMs: at * 60_000,
    });
    if (look.verdict !== 'waiting') {
      return { end: look.verdict === 'pass' ? 'promoted' : 'failed', look, share };
    }
    const shares = { champion: 1 - share, challenger: share };
    const state = banditState(spec, arms, shares, seen, null);
    share = state.arms.find(({ arm }) => arm === 'challenger')?.share ?? share;
  }
  if (!look) throw new Error('no look');
  return { end: 'undecided', look, share };
}

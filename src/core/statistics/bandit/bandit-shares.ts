import type { Rng } from '../../rng.ts';
import type { Moments } from '../moments.ts';

/** What is known of an arm's rewards. */
export interface BanditArm {
  readonly arm: string;
  readonly reward: Moments;
}

/**
 * How the mean reward of an arm is believed to lie. `beta`: rewards in 0..1 (a reward between counts in parts), prior
 * Beta(1, 1). `gaussian`: any number; normal with unknown variance, whose mean has a Student law; the prior is worth
 * one reward at the mean of all arms.
 */
type RewardLaw = 'beta' | 'gaussian';

/** Draws from which Thompson's shares are counted: a share is off by at most 0.008 (one standard error at ½). */
const draws = 4000;

/**
 * Thompson sampling over a batch: each arm's share is the probability that it is the best one, by its posterior, which
 * is the share that drawing for each request would give it. Source: Thompson (1933); Chapelle, Li (2011).
 */
export function thompsonShares(
  arms: readonly BanditArm[],
  law: RewardLaw,
  rng: Rng,
): Readonly<Record<string, number>> {
  const samplers = arms.map((arm) => (law === 'beta' ? betaSampler(arm) : gaussianSampler(arm, arms)));
  const wins = arms.map(() => 0);
  for (let draw = 0; draw < draws; draw++) {
    let [best, value] = [0, Number.NEGATIVE_INFINITY];
    for (const [i, sample] of samplers.entries()) {
      const drawn = sample(rng);
      if (drawn > value) [best, value] = [i, drawn];
    }
    wins[best] = (wins[best] ?? 0) + 1;
  }
  return Object.fromEntries(arms.map(({ arm }, i) => [arm, (wins[i] ?? 0) / draws]));
}

/**
 * Epsilon-greedy: `epsilon` is spread evenly, the best mean so far has the rest. Arms without a reward yet go before
 * all others, so each is tried.
 */
export function epsilonGreedyShares(
  arms: readonly BanditArm[],
  epsilon: number,
): Readonly<Record<string, number>> {
  const meanOf = ({ reward }: BanditArm) => (reward.n === 0 ? Number.POSITIVE_INFINITY : reward.mean);
  const top = Math.max(...arms.map(meanOf));
  const best = arms.filter((arm) => meanOf(arm) === top);
  return Object.fromEntries(
    arms.map((arm) => [
      arm.arm,
      epsilon / arms.length + (best.includes(arm) ? (1 - epsilon) / best.length : 0),
    ]),
  );
}

/**
 * What is put in force of the wanted shares: each arm keeps at least `floor` (so that it goes on being explored and
 * off-policy estimates stay possible), and no share moves by more than `maxChange` at a time. Sums to 1.
 */
export function boundedShares(
  now: Readonly<Record<string, number>>,
  wanted: Readonly<Record<string, number>>,
  floor: number,
  maxChange: number,
): Readonly<Record<string, number>> {
  const names = Object.keys(wanted);
  const floored = names.map((name) => floor + (1 - floor * names.length) * (wanted[name] ?? 0));
  const largest = Math.max(...names.map((name, i) => Math.abs((floored[i] ?? 0) - (now[name] ?? 0))));
  // All move by the same part of their way: the sum stays 1, and nobody goes beyond where it wants to be.
  const part = largest > maxChange ? maxChange / largest : 1;
  return Object.fromEntries(
    names.map((name, i) => {
      const from = now[name] ?? 0;
      return [name, from + part * ((floored[i] ?? 0) - from)];
    }),
  );
}

function betaSampler({ reward }: BanditArm): (rng: Rng) => number {
  const successes = Math.min(reward.n, Math.max(0, reward.mean * reward.n));
  return (rng) => {
    const x = gamma(rng, 1 + successes);
    const y = gamma(rng, 1 + reward.n - successes);
    return x / (x + y);
  };
}

function gaussianSampler({ reward }: BanditArm, arms: readonly BanditArm[]): (rng: Rng) => number {
  const total = arms.reduce((sum, a) => sum + a.reward.n, 0);
  const centre = total === 0 ? 0 : arms.reduce((sum, a) => sum + a.reward.n * a.reward.mean, 0) / total;
  const spread = arms.reduce((sum, a) => sum + a.reward.m2 + a.reward.n * (a.reward.mean - centre) ** 2, 0);
  const variance = total < 2 || spread === 0 ? 1 : spread / (total - 1);
  // Normal-inverse-gamma with prior weight 1 on the mean and 2 degrees of freedom on the variance of all arms.
  const n = reward.n + 1;
  const mean = (centre + reward.n * reward.mean) / n;
  const shape = (2 + reward.n) / 2;
  const scale = variance + reward.m2 / 2 + (reward.n * (reward.mean - centre) ** 2) / (2 * n);
  return (rng) => mean + rng.normal() * Math.sqrt(scale / gamma(rng, shape) / n);
}

/** A draw of the gamma law with scale 1, shape at least 1. Source: Marsaglia, Tsang (2000). */
function gamma(rng: Rng, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = rng.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - rng.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

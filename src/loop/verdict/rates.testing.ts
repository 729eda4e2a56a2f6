import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

/** Slower simulations have 300 to 1,000 runs with MILLRACE_TEST_HEAVY, else as few as still show a gross mistake. */
export const heavy = process.env.MILLRACE_TEST_HEAVY !== undefined;

/** Nothing here may hold for one seed only: MILLRACE_TEST_SEED=1, 2, … draws other rollouts. */
export const otherSeed = 1000 * Number(process.env.MILLRACE_TEST_SEED ?? 0);

/** The error rate that the plans of simulations state. */
export const alpha = 0.05;

/** At most alpha of the runs may go wrong, give or take two standard errors of so many runs. */
export function assertWithin(t: TestContext, wrong: number, runs: number): void {
  t.diagnostic(`${wrong} wrong verdicts of ${runs}`);
  const limit = runs * alpha + 2 * Math.sqrt(runs * alpha * (1 - alpha));
  assert.ok(wrong <= limit, `${wrong} wrong verdicts of ${runs} (at most ${limit.toFixed(1)})`);
}

import { proportionConfidenceSequence } from '../../core/statistics/sequential/proportionConfidenceSequence.ts';
import type { ArmOutcome, ArmStratum } from '../../lifecycle/feedback/index.ts';
import type { Guardrail, LoopFile } from '../contract.ts';

type Limits = LoopFile['deploy']['guardrails'];

/** Share of slow answers that a 99th percentile allows. */
const slowShare = 0.01;

/** What one model did over all route versions of a roll-out. */
export interface ModelCounts {
  readonly predictions: number;
  readonly failed: number;
  readonly nonFinite: number;
}

/** Adds up what a model did in the given arms. */
export function countsOf(
  arms: readonly ArmOutcome[],
  modelVersion: string,
  kinds: readonly ArmOutcome['arm'][],
) {
  const strata = arms
    .filter((arm) => arm.modelVersion === modelVersion && kinds.includes(arm.arm))
    .flatMap((arm) => arm.strata);
  const sum = (pick: (stratum: ArmStratum) => number) => strata.reduce((total, s) => total + pick(s), 0);
  return {
    predictions: sum((s) => s.predictions),
    failed: sum((s) => s.failed),
    nonFinite: sum((s) => s.nonFinite),
    slow: sum((s) => s.slow),
  };
}

/**
 * Checks what must never happen, at each look. Rates are judged by exact confidence sequences, so looking after
 * every request raises a false alarm with probability at most `alpha`.
 *
 * @param alpha error probability of each guardrail
 */
export function guardrails(
  arms: readonly ArmOutcome[],
  championVersion: string,
  challengerVersion: string,
  limits: Limits,
  alpha: number,
): readonly Guardrail[] {
  const champion = countsOf(arms, championVersion, ['champion']);
  const challenger = countsOf(arms, challengerVersion, ['challenger', 'shadow']);
  const served = countsOf(arms, challengerVersion, ['challenger']);
  const rails = [errorRail(champion, challenger, limits.maxErrorRatio, alpha), scoreRail(challenger)];
  const limit = limits.maxLatencyP99Ms;
  return limit === undefined ? rails : [...rails, latencyRail(served.slow, served.predictions, limit, alpha)];
}

function errorRail(champion: ModelCounts, challenger: ModelCounts, limit: number, alpha: number): Guardrail {
  const name = 'errors';
  const { failed, predictions } = challenger;
  if (predictions === 0) return waiting(name, limit);
  const { value, low } = proportionConfidenceSequence(failed, predictions, alpha);
  // Requests that no model can answer fail on both; only what the challenger adds is its fault.
  const allowed = Math.max(limit, champion.predictions === 0 ? 0 : champion.failed / champion.predictions);
  const failing = low !== null && low > allowed;
  const reason = `${count(failed)} of ${count(predictions)} requests failed (${percent(value)}, at least ${percent(low)}); ${percent(allowed)} is allowed`;
  return { name, value, limit: allowed, verdict: failing ? 'fail' : 'pass', reason };
}

function scoreRail({ nonFinite, predictions }: ModelCounts): Guardrail {
  const name = 'scores';
  if (predictions === 0) return waiting(name, 0);
  const reason =
    nonFinite === 0
      ? `all of ${count(predictions)} scores are finite numbers`
      : `${count(nonFinite)} of ${count(predictions)} scores are NaN or infinite`;
  return { name, value: nonFinite, limit: 0, verdict: nonFinite === 0 ? 'pass' : 'fail', reason };
}

function latencyRail(slow: number, answered: number, limitMs: number, alpha: number): Guardrail {
  const name = 'latency p99';
  if (answered === 0) return waiting(name, limitMs);
  const { value, low } = proportionConfidenceSequence(slow, answered, alpha);
  const failing = low !== null && low > slowShare;
  const reason = `${count(slow)} of ${count(answered)} answers took longer than ${limitMs} ms (${percent(value)}, at least ${percent(low)}); 1 % may`;
  return { name, value, limit: slowShare, verdict: failing ? 'fail' : 'pass', reason };
}

function waiting(name: string, limit: number): Guardrail {
  return { name, value: null, limit, verdict: 'waiting', reason: 'no request yet' };
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function percent(ratio: number | null): string {
  return ratio === null ? 'unknown' : `${(100 * ratio).toFixed(2)} %`;
}

import { distributionBand } from '../../core/statistics/sequential/distribution-band.ts';
import { proportionConfidenceSequence } from '../../core/statistics/sequential/proportion-confidence-sequence.ts';
import type { Guardrail, RolloutSpec, ShadowComparison, ShadowPlan } from '../contract.ts';
import { type Observation, segmentValues } from './observation.ts';
import { isSlower } from './safety.ts';

/** Error probability of each of these checks over all requests, and over all segments, at all looks. */
const alpha = 0.001;

/**
 * Copies of the traffic beside the champion's answers to the same requests: scores, decisions and latency, over all and
 * in each protected segment. An anytime-valid bound must be beyond the limit of the plan, and beyond what the champion
 * differs by from itself: what two halves of its own answers are apart is added to the limit. As nobody is harmed by a
 * copy, this only says that the version is another model than was meant; what is better or worse is said by outcomes.
 */
export function shadowRails(
  spec: RolloutSpec,
  seen: Observation,
  stage: 'shadow' | 'canary' | 'split' | 'bandit',
): readonly Guardrail[] {
  const plan = spec.kind === 'canary' ? spec.shadow : null;
  if (plan === null || (stage !== 'shadow' && seen.shadow.length === 0)) return [];
  const slots = Math.max(1, spec.segments.length * segmentValues);
  const level = (c: ShadowComparison) => (c.segment === null ? alpha : alpha / slots);
  const rail = (name: string, limit: number, look: (c: ShadowComparison) => Found): Guardrail => {
    const found = seen.shadow.map((c) => ({ where: whereText(c), ...look(c) }));
    const shown = found.find((f) => f.isBeyond) ?? found[0];
    if (!shown || shown.value === null) {
      return { name, value: null, limit, verdict: 'waiting', reason: 'no copy yet' };
    }
    const verdict = shown.isBeyond ? 'fail' : 'pass';
    return { name, value: shown.value, limit, verdict, reason: `${shown.where}${shown.text}` };
  };
  return [
    rail('scores of copies', plan.maxScoreShift, (c) => scores(c, plan, level(c))),
    rail('decisions of copies', plan.maxDisagreement, (c) => decisions(c, plan, level(c))),
    rail('latency of copies', plan.maxLatencyRatio, (c) => latency(c, plan)),
  ];
}

interface Found {
  readonly value: number | null;
  readonly isBeyond: boolean;
  readonly text: string;
}

function scores({ scoreShift, scoreNoise, pairs }: ShadowComparison, plan: ShadowPlan, level: number): Found {
  if (scoreShift === null) return { value: null, isBeyond: false, text: '' };
  // All distributions are known up to a band each: only what is beyond them is a difference, the champion's too.
  const least = Math.max(0, scoreShift - 2 * distributionBand(pairs, level / 2));
  const noise = Math.max(0, (scoreNoise ?? 0) - 2 * distributionBand(Math.floor(pairs / 2), level / 2));
  const text = `distributions are ${two(scoreShift)} apart (at least ${two(least)}), the champion's halves ${two(scoreNoise ?? 0)}; ${two(plan.maxScoreShift)} is allowed`;
  return { value: scoreShift, isBeyond: least > plan.maxScoreShift + noise, text };
}

function decisions({ agreement, pairs }: ShadowComparison, plan: ShadowPlan, level: number): Found {
  if (agreement === null) return { value: null, isBeyond: false, text: '' };
  const different = Math.round((1 - agreement) * pairs);
  const { value, low } = proportionConfidenceSequence(different, pairs, level);
  const text = `${different.toLocaleString('en-US')} of ${pairs.toLocaleString('en-US')} differ (at least ${percent(low ?? 0)}); ${percent(plan.maxDisagreement)} may`;
  return { value, isBeyond: (low ?? 0) > plan.maxDisagreement, text };
}

function latency(c: ShadowComparison, plan: ShadowPlan): Found {
  const { latencyP99Ms, championLatencyP99Ms, latencyLowMs, championLatencyHighMs } = c;
  if (!latencyP99Ms || !championLatencyP99Ms) return { value: null, isBeyond: false, text: '' };
  const noise = Math.max(1, c.latencyNoiseRatio ?? 1);
  const text = `p99 ${latencyP99Ms.toFixed(1)} ms against ${championLatencyP99Ms.toFixed(1)} ms, the champion's halves ${two(noise)} times; ${plan.maxLatencyRatio} times is allowed`;
  return {
    value: latencyP99Ms / championLatencyP99Ms,
    isBeyond: isSlower(latencyLowMs, championLatencyHighMs, plan.maxLatencyRatio * noise),
    text,
  };
}

function whereText({ segment }: ShadowComparison): string {
  return segment === null ? '' : `where ${segment.feature} is ${segment.value}: `;
}

function two(value: number): string {
  return value.toFixed(2);
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

import { formatDuration, formatTime, parseDuration } from '../../core/time.ts';
import type { ArmComparison, RolloutLook, RolloutMetric, RolloutSpec } from '../contract.ts';
import { type ComparedArm, compareArms, momentsOf } from './compareArms.ts';
import type { ArmStratum, Observation } from './observation.ts';
import { safety } from './safety.ts';

/** Most values of a protected feature that are judged. */
export const segmentValues = 10;

export interface Judged {
  readonly spec: RolloutSpec;
  readonly stage: 'shadow' | 'canary' | 'split' | 'bandit';
  /** Percent of the present step and of the next one; undefined after the last. */
  readonly percent: number;
  readonly nextPercent: number | undefined;
  readonly routeVersion: number;
  readonly champion: ComparedArm;
  readonly arms: readonly ComparedArm[];
  readonly seen: Observation;
  readonly stepSinceMs: number;
  readonly beganMs: number;
  readonly nowMs: number;
}

/**
 * One look at a rollout. Harm ends it at any look. A step passes only with its minimum of requests, labels and time,
 * and nothing is promoted before the primary metric, every guardrail and every protected segment is proved. All
 * statements that a metric got worse or better hold together with probability at least 1 − alpha, however often one
 * looks: half of alpha is for the metrics, half for the segments, each spread evenly.
 */
export function judge(judged: Judged): RolloutLook {
  const { spec, stage, seen, arms, nowMs } = judged;
  const comparisons = stage === 'shadow' ? [] : compare(judged);
  const guardrails = [...safety(spec, judged.champion, arms, seen)];
  const step = seen.strata.filter((s) => s.routeVersion >= judged.routeVersion && s.arm !== 'champion');
  const copies = seen.shadows.filter((s) => s.routeVersion >= judged.routeVersion);
  const requests = (stage === 'shadow' ? copies : step).reduce((sum, s) => sum + s.requests, 0);
  const primary = comparisons.filter((c) => c.segment === null && c.metric === spec.metric);
  const labels = primary.length === 0 ? 0 : Math.min(...primary.map((c) => c.n));
  const look = {
    at: formatTime(nowMs),
    requests: { have: requests, need: neededRequests(judged) },
    labels: { have: labels, need: stage === 'shadow' ? 0 : spec.minLabels },
    timeMs: {
      have: Math.max(0, nowMs - judged.stepSinceMs),
      need: stage === 'shadow' ? 0 : parseDuration(spec.minTime),
    },
    arms: [judged.champion, ...arms].map((arm) => armSeen(arm, seen, spec.metric)),
    comparisons: [...comparisons],
    guardrails,
    shadow: [...seen.shadow],
  };
  return { ...look, ...verdictOf(judged, look) };
}

/** Is the arm proved on all that the plan names? What is missing, one phrase each. */
export function unproved(spec: RolloutSpec, arm: string, comparisons: readonly ArmComparison[]): string[] {
  return comparisons
    .filter((c) => c.arm === arm)
    .filter((c) => {
      const isPrimary = c.segment === null && c.metric === spec.metric;
      if (isPrimary && spec.prove === 'better') return c.verdict !== 'better';
      return c.verdict !== 'better' && c.verdict !== 'notWorse';
    })
    .map((c) => comparisonText(c));
}

/** `log loss +0.0123 (+0.0010 to +0.0240) on 812 pairs`; above 0 is better. */
export function comparisonText(c: ArmComparison): string {
  const number = (x: number) => `${x >= 0 ? '+' : '−'}${Math.abs(x).toFixed(4)}`;
  const where = c.segment === null ? '' : ` where ${c.segment.feature} is ${c.segment.value}`;
  if (c.difference === null) return `${c.metric}${where}: no label yet`;
  const interval =
    c.low === null || c.high === null ? 'no interval yet' : `${number(c.low)} to ${number(c.high)}`;
  const what = c.compared === 'pairs' ? 'pairs' : 'labels';
  return `${c.metric}${where} better by ${number(c.difference)} (${interval}) on ${c.n.toLocaleString('en-US')} ${what}`;
}

function compare({ spec, champion, arms, seen }: Judged): readonly ArmComparison[] {
  const mirrored = spec.kind === 'canary' && spec.mirror;
  const metrics = [
    { metric: spec.metric, margin: spec.margin, strict: true },
    ...spec.guardrails.map((g) => ({ ...g, strict: false })),
  ];
  const segmentSlots = spec.segments.length * segmentValues;
  const share = segmentSlots === 0 ? 1 : 0.5;
  const alpha = (spec.alpha * share) / (metrics.length * arms.length);
  const segmentAlpha = (spec.alpha * 0.5) / Math.max(1, segmentSlots * arms.length);
  const isPaired = (metric: RolloutMetric) => mirrored && metric !== 'outcome';
  const targetN = spec.minLabels;
  return arms.flatMap((arm) => [
    ...metrics.map(({ metric, margin, strict }) =>
      compareArms(champion, arm, seen.strata, seen.pairs, {
        ...{ metric, alpha, margin, strict, targetN, segment: null },
        paired: isPaired(metric),
      }),
    ),
    ...seen.segments.map(({ feature, value, strata, pairs }) =>
      compareArms(champion, arm, strata, pairs, {
        metric: spec.metric,
        alpha: segmentAlpha,
        margin: spec.segmentMargin,
        strict: false,
        targetN: targetN / segmentValues,
        segment: { feature, value },
        paired: isPaired(spec.metric),
      }),
    ),
  ]);
}

type Draft = Omit<RolloutLook, 'verdict' | 'reason'>;

function verdictOf(judged: Judged, look: Draft): Pick<RolloutLook, 'verdict' | 'reason'> {
  const { spec, stage } = judged;
  const broken = look.guardrails.find((rail) => rail.verdict === 'fail');
  if (broken) return { verdict: 'fail', reason: `${broken.name}: ${broken.reason}` };
  const worse = look.comparisons.find((c) => c.verdict === 'worse');
  if (worse && spec.kind === 'canary') {
    return { verdict: 'fail', reason: `version ${spec.version} is worse: ${comparisonText(worse)}` };
  }
  const waits: string[] = [];
  const more = ({ have, need }: { have: number; need: number }, what: string) => {
    if (have < need) waits.push(`${(need - have).toLocaleString('en-US')} more ${what}`);
  };
  more(look.requests, stage === 'shadow' ? 'copies' : 'requests');
  more(look.labels, 'labelled outcomes');
  const leftMs = look.timeMs.need - look.timeMs.have;
  if (leftMs > 0) waits.push(formatDuration(leftMs));
  const lastStep = judged.nextPercent === undefined || judged.nextPercent === 100;
  if (waits.length === 0 && stage === 'canary' && lastStep) {
    for (const arm of judged.arms) {
      for (const text of unproved(spec, arm.arm, look.comparisons)) waits.push(`proof on ${text}`);
    }
  }
  if (stage === 'split' || stage === 'bandit') {
    const best = judged.arms.filter((arm) => isProved(spec, arm.arm, look.comparisons));
    if (waits.length === 0 && best.length === 0) waits.push('an arm that is proved better');
  }
  if (waits.length === 0) return { verdict: 'pass', reason: passText(judged, look) };
  const maxMs = parseDuration(spec.maxTime);
  if (judged.nowMs - judged.beganMs > maxMs) {
    return { verdict: 'fail', reason: `undecided after ${formatDuration(maxMs)}: ${waits.join(', ')}` };
  }
  return { verdict: 'waiting', reason: `waits for ${waits.join(', ')}` };
}

/** Whether an arm of a split is better than the champion, and nothing that is guarded got worse. */
export function isProved(spec: RolloutSpec, arm: string, comparisons: readonly ArmComparison[]): boolean {
  return unproved({ ...spec, prove: 'better' }, arm, comparisons).length === 0;
}

function passText({ spec, stage, percent, arms }: Judged, look: Draft): string {
  const requests = look.requests.have.toLocaleString('en-US');
  if (stage === 'shadow') return `${requests} copies without fault`;
  if (stage === 'canary') {
    const primary = look.comparisons[0];
    return `${requests} requests at ${percent} % without fault${primary ? `; ${comparisonText(primary)}` : ''}`;
  }
  const best = arms.filter((arm) => isProved(spec, arm.arm, look.comparisons)).map((arm) => arm.arm);
  return `better than the champion: ${best.join(', ')}`;
}

function neededRequests({ spec, stage }: Judged): number {
  if (spec.kind !== 'canary') return 0;
  return stage === 'shadow' ? (spec.shadow?.minRequests ?? 0) : spec.minRequests;
}

function armSeen(arm: ComparedArm, seen: Observation, metric: RolloutMetric) {
  const own = seen.strata.filter((s) => s.arm === arm.arm && s.version === arm.version);
  const total = (pick: (s: ArmStratum) => number) => own.reduce((sum, s) => sum + pick(s), 0);
  const [requests, failed, labelled] = [
    total((s) => s.requests),
    total((s) => s.failed),
    total((s) => s.labelled),
  ];
  const moments = momentsOf(own, arm, metric);
  const band = seen.latency.find((b) => b.arm === arm.arm && b.version === arm.version);
  return {
    arm: arm.arm,
    version: arm.version,
    requests,
    failed,
    labelled,
    waiting: requests - failed === 0 ? null : Math.max(0, 1 - labelled / (requests - failed)),
    latencyP99Ms: band?.value ?? null,
    latencyP99LowMs: band?.low ?? null,
    latencyP99HighMs: band?.high ?? null,
    mean: moments.n === 0 ? null : moments.mean,
  };
}

import { formatDuration, formatTime, parseDuration } from '../../core/time.ts';
import type { ArmComparison, RolloutLook, RolloutMetric, RolloutSpec } from '../contract.ts';
import { type ComparedArm, compareArms, looksWorse, momentsOf } from './compareArms.ts';
import { type ArmStratum, type Observation, segmentValues } from './observation.ts';
import { safety } from './safety.ts';
import { shadowRails } from './shadowRails.ts';

export interface Judged {
  readonly spec: RolloutSpec;
  readonly stage: 'shadow' | 'canary' | 'split' | 'bandit';
  /** Percent of the present step and of the next one; undefined after the last. */
  readonly percent: number;
  readonly nextPercent: number | undefined;
  readonly routeVersion: number;
  /** Whether all was proved when the step began: at 100 % nothing is left to compare with, and it is not asked again. */
  readonly isProved: boolean;
  readonly champion: ComparedArm;
  readonly arms: readonly ComparedArm[];
  readonly seen: Observation;
  /** Event time now, and when the step and the rollout began; undefined before a replay has begun: no time has passed. */
  readonly eventMs: number | undefined;
  readonly stepSinceMs: number | undefined;
  readonly beganMs: number | undefined;
  /** Wall clock of the look. */
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
  const comparisons = judgesOutcomes(judged) ? compare(judged) : [];
  const guardrails = [...safety(spec, judged.champion, arms, seen), ...shadowRails(spec, seen, stage)];
  const primary = comparisons.filter((c) => c.segment === null && c.metric === spec.metric);
  const labels = primary.length === 0 ? 0 : Math.min(...primary.map((c) => c.n));
  const look = {
    at: formatTime(nowMs),
    requests: { have: leastRequests(judged), need: neededRequests(judged) },
    labels: { have: labels, need: judgesOutcomes(judged) ? spec.minLabels : 0 },
    timeMs: {
      have: elapsedMs(judged.stepSinceMs, judged.eventMs),
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

/** `log loss better by 0.0123 (0.0010 to 0.0240) on 812 pairs`, or `worse by …`. */
export function comparisonText(c: ArmComparison): string {
  const where = c.segment === null ? '' : ` where ${c.segment.feature} is ${c.segment.value}`;
  const name = `${metricNames[c.metric]}${where}`;
  if (c.difference === null) return `${name}: no label yet`;
  const isWorse = c.difference < 0;
  const number = (x: number) => `${x < 0 ? '−' : ''}${Math.abs(x).toFixed(4)}`;
  const ends = c.low === null || c.high === null ? null : isWorse ? [-c.high, -c.low] : [c.low, c.high];
  const interval = ends === null ? 'no interval yet' : ends.map(number).join(' to ');
  const by = `${isWorse ? 'worse' : 'better'} by ${number(Math.abs(c.difference))}`;
  return `${name} ${by} (${interval}) on ${c.n.toLocaleString('en-US')} ${c.compared === 'pairs' ? 'pairs' : 'labels'}`;
}

const metricNames: Readonly<Record<RolloutMetric, string>> = {
  logLoss: 'log loss',
  brier: 'Brier score',
  accuracy: 'accuracy',
  absoluteError: 'absolute error',
  squaredError: 'squared error',
  outcome: 'outcome',
  value: 'value',
};

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
  const worse = judged.arms.map(({ arm, version }) => {
    const found = look.comparisons.find((c) => c.arm === arm && c.verdict === 'worse');
    return found && `version ${version} is worse: ${comparisonText(found)}`;
  });
  // Of several arms those that are not worse are still to be learnt about.
  if (worse.length > 0 && worse.every((text) => text !== undefined)) {
    return { verdict: 'fail', reason: worse.join('; ') };
  }
  const waits: string[] = [];
  const more = ({ have, need }: { have: number; need: number }, what: string) => {
    if (have < need) waits.push(`${(need - have).toLocaleString('en-US')} more ${what}`);
  };
  more(look.requests, stage === 'shadow' ? 'copies' : 'requests');
  more(look.labels, look.comparisons[0]?.compared === 'pairs' ? 'labelled pairs' : 'labelled outcomes');
  const leftMs = look.timeMs.need - look.timeMs.have;
  if (leftMs > 0) waits.push(`${formatDuration(leftMs)} of event time`);
  if (stage === 'canary' && waits.length === 0 && judged.percent < 100) {
    for (const text of suspicions(judged, look)) waits.push(`a verdict, as it looks worse so far (${text})`);
  }
  const lastStep = judged.nextPercent === undefined || judged.nextPercent === 100;
  const isCanary = spec.kind === 'canary' && judgesOutcomes(judged);
  if (waits.length === 0 && isCanary && lastStep && !judged.isProved) {
    for (const arm of judged.arms) {
      for (const text of unproved(spec, arm.arm, look.comparisons)) waits.push(`proof (${text})`);
    }
  }
  if (waits.length === 0 && (stage === 'split' || stage === 'bandit')) {
    if (provedArm(spec, judged.arms, look.comparisons) === undefined) {
      const open =
        judged.arms.length === 1 ? unproved(spec, judged.arms[0]?.arm ?? '', look.comparisons) : [];
      waits.push(open.length > 0 ? `proof (${open.join('; ')})` : `an arm that is proved ${proved(spec)}`);
    }
  }
  if (stage !== 'shadow') {
    for (const name of spec.segments) {
      // What is protected and was never seen is not known to be safe.
      if (!judged.seen.segments.some((s) => s.feature === name)) waits.push(`feature ${name} in the log`);
    }
  }
  if (waits.length === 0) return { verdict: 'pass', reason: passText(judged, look) };
  const maxMs = parseDuration(spec.maxTime);
  if (elapsedMs(judged.beganMs, judged.eventMs) > maxMs) {
    const reason = `still undecided after ${formatDuration(maxMs)} of event time: ${waits.join(', ')}`;
    return { verdict: 'fail', reason };
  }
  return { verdict: 'waiting', reason: `waits for ${waits.join(', ')}` };
}

/** What looks worse on the same requests, without being known to be so yet. */
function suspicions({ arms, seen, spec }: Judged, { comparisons }: Draft): readonly string[] {
  return comparisons
    .filter((c) => c.compared === 'pairs' && c.segment === null && c.metric === spec.metric)
    .filter(({ arm, alpha, metric }) => {
      const challenger = arms.find((a) => a.arm === arm);
      return challenger && looksWorse(challenger, seen.pairs, { metric, alpha, targetN: spec.minLabels });
    })
    .map(comparisonText);
}

/** The arm with the best primary metric of those that are proved on all that the plan names; undefined: none is. */
export function provedArm(
  spec: RolloutSpec,
  arms: readonly ComparedArm[],
  comparisons: readonly ArmComparison[],
): string | undefined {
  const gain = (arm: string) => comparisons.find((c) => c.arm === arm)?.difference ?? 0;
  return arms
    .map(({ arm }) => arm)
    .filter((arm) => unproved(spec, arm, comparisons).length === 0)
    .sort((a, b) => gain(b) - gain(a))[0];
}

function proved({ prove }: RolloutSpec): string {
  return prove === 'better' ? 'better' : 'not worse';
}

function passText({ spec, stage, percent, arms }: Judged, look: Draft): string {
  const requests = look.requests.have.toLocaleString('en-US');
  if (stage === 'shadow') return `${requests} copies without fault`;
  const best = stage === 'canary' ? arms[0]?.arm : provedArm(spec, arms, look.comparisons);
  const primary = look.comparisons.find((c) => c.arm === best);
  if (stage === 'canary') {
    return `${requests} requests at ${percent} % without fault${primary ? `; ${comparisonText(primary)}` : ''}`;
  }
  return `${provedArm(spec, arms, look.comparisons)} is ${proved(spec)}${primary ? `; ${comparisonText(primary)}` : ''}`;
}

/** Nobody is harmed by a copy, so a shadow is not judged by outcomes, but for one that all of the traffic comes after. */
function judgesOutcomes({ stage, nextPercent }: Judged): boolean {
  return stage !== 'shadow' || nextPercent === 100;
}

function neededRequests({ spec, stage }: Judged): number {
  const copies = spec.kind === 'canary' ? (spec.shadow?.minRequests ?? 0) : 0;
  return stage === 'shadow' ? copies : spec.minRequests;
}

/** Requests of the arm that has fewest in the present step: copies in shadow. A bandit's step is all of it. */
function leastRequests({ stage, arms, seen, routeVersion }: Judged): number {
  const strata = stage === 'shadow' ? seen.shadows : seen.strata;
  const since = stage === 'bandit' ? 0 : routeVersion;
  const counts = arms.map(({ arm, version }) =>
    strata
      .filter(
        (s) => s.routeVersion >= since && s.version === version && (stage === 'shadow' || s.arm === arm),
      )
      .reduce((sum, s) => sum + s.requests, 0),
  );
  return Math.min(...counts);
}

function elapsedMs(sinceMs: number | undefined, eventMs: number | undefined): number {
  return sinceMs === undefined || eventMs === undefined ? 0 : Math.max(0, eventMs - sinceMs);
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
  const band = seen.latency.findLast((b) => b.arm === arm.arm && b.version === arm.version);
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

import { formatTime, parseDuration } from '../../core/time.ts';
import type { ArmComparison, RolloutLook, RolloutMetric } from '../contract.ts';
import { type ComparedArm, compareArms, momentsOf } from './compare-arms.ts';
import { decide } from './decide.ts';
import { elapsedMs, isPaired, type Judged, judgesOutcomes } from './judged.ts';
import { type ArmStratum, type Observation, segmentValues } from './observation.ts';
import { safety } from './safety.ts';
import { shadowRails } from './shadow-rails.ts';

const dayMs = 86_400_000;
/** So many days show how days differ; three do not (docs/decisions/0013). */
const daysThatTell = 7;

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
      need: parseDuration(neededTime(judged)),
    },
    arms: [judged.champion, ...arms].map((arm) => armSeen(arm, seen, spec.metric)),
    comparisons: [...comparisons],
    guardrails,
    shadow: [...seen.shadow],
  };
  return { ...look, ...decide(judged, look) };
}

function compare(judged: Judged): readonly ArmComparison[] {
  const { spec, champion, arms, seen } = judged;
  const metrics = [
    { metric: spec.metric, margin: spec.margin, strict: isAnyHarm(judged) },
    ...spec.guardrails.map((g) => ({ ...g, strict: false })),
  ];
  const segmentSlots = spec.segments.length * segmentValues;
  const share = segmentSlots === 0 ? 1 : 0.5;
  const alpha = (spec.alpha * share) / (metrics.length * arms.length);
  const segmentAlpha = (spec.alpha * 0.5) / Math.max(1, segmentSlots * arms.length);
  const targetN = spec.minLabels;
  return arms.flatMap((arm) => [
    ...metrics.map(({ metric, margin, strict }) =>
      compareArms(champion, arm, seen, {
        metric,
        alpha,
        margin,
        strict,
        targetN,
        segment: null,
        paired: isPaired(spec, metric),
      }),
    ),
    ...seen.segments.map((segment) =>
      compareArms(champion, arm, segment, {
        metric: spec.metric,
        alpha: segmentAlpha,
        margin: spec.segmentMargin,
        strict: false,
        targetN: targetN / segmentValues,
        segment: { feature: segment.feature, value: segment.value },
        paired: isPaired(spec, spec.metric),
      }),
    ),
  ]);
}

/**
 * Whether a version that is worse by however little is harm. One that need only be proved not worse by more than the
 * margin may be worse by less; and what the first days say is of these days, not of the days to come. So in its first
 * week only harm beyond the margin ends it.
 */
function isAnyHarm({ spec, beganMs, eventMs }: Judged): boolean {
  return spec.prove === 'better' || elapsedMs(beganMs, eventMs) >= daysThatTell * dayMs;
}

function neededRequests({ spec, stage }: Judged): number {
  const copies = spec.kind === 'canary' ? (spec.shadow?.minRequests ?? 0) : 0;
  return stage === 'shadow' ? copies : spec.minRequests;
}

function neededTime({ spec, stage }: Judged): string {
  if (stage !== 'shadow') return spec.minTime;
  return spec.kind === 'canary' && spec.shadow ? spec.shadow.minTime : '0s';
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

/** What an arm did so far; `metric` is the one of which the mean is told. */
export function armSeen(arm: ComparedArm, seen: Observation, metric: RolloutMetric) {
  const own = seen.strata.filter((s) => s.arm === arm.arm && s.version === arm.version);
  const total = (pick: (s: ArmStratum) => number) => own.reduce((sum, s) => sum + pick(s), 0);
  const [requests, failed, refused, labelled] = [
    total((s) => s.requests),
    total((s) => s.failed),
    total((s) => s.refused),
    total((s) => s.labelled),
  ];
  const moments = momentsOf(own, arm, metric);
  const band = seen.latency.findLast((b) => b.arm === arm.arm && b.version === arm.version);
  return {
    arm: arm.arm,
    version: arm.version,
    requests,
    failed,
    refused,
    labelled,
    waiting: requests - failed === 0 ? null : Math.max(0, 1 - labelled / (requests - failed)),
    latencyP99Ms: band?.value ?? null,
    latencyP99LowMs: band?.low ?? null,
    latencyP99HighMs: band?.high ?? null,
    mean: moments.n === 0 ? null : moments.mean,
  };
}

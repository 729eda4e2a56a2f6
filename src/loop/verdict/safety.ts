import { armCountTest } from '../../core/statistics/sequential/arm-count-test.ts';
import { multinomialTest } from '../../core/statistics/sequential/multinomial-test.ts';
import { proportionConfidenceSequence } from '../../core/statistics/sequential/proportion-confidence-sequence.ts';
import type { Guardrail, RolloutSpec } from '../contract.ts';
import type { ComparedArm } from './compare-arms.ts';
import type { ArmStratum, Observation } from './observation.ts';

/** Error probability of each of these checks, over all looks of a rollout. */
const alpha = 0.001;
/** Share of refusals that says that a version takes nothing any more. */
const mostRefused = 0.5;
/** Share of slow answers that a 99th percentile allows. */
const slowShare = 0.01;

/**
 * What must never happen, checked at each look by exact anytime-valid tests: errors beyond the limit and beyond the
 * champion's own, scores that are no numbers, slowness (absolute, and beside the champion), and a split that does not
 * split as it says.
 */
export function safety(
  spec: RolloutSpec,
  champion: ComparedArm,
  arms: readonly ComparedArm[],
  seen: Observation,
): readonly Guardrail[] {
  const rails = arms.flatMap((arm) => {
    const own = seen.strata.filter((s) => s.arm === arm.arm && s.version === arm.version);
    const copies = seen.shadows.filter((s) => s.version === arm.version);
    const name = (what: string) => (arms.length === 1 ? what : `${what} of ${arm.arm}`);
    return [
      errorRail(name('errors'), spec, seen, champion, arm, { own, copies }),
      scoreRail(name('scores'), { own, copies }),
      ...(spec.maxLatencyP99Ms === undefined
        ? []
        : [slowRail(name('latency p99'), spec.maxLatencyP99Ms, own)]),
      latencyRail(name('latency beside the champion'), spec, seen, champion, arm),
    ];
  });
  return [...rails, splitRail(seen, [champion, ...arms])];
}

/** What an arm answered, and copies of what the champion answered. */
interface Rows {
  readonly own: readonly ArmStratum[];
  readonly copies: readonly ArmStratum[];
}

/** `0 of 600 copies`; `0 of 1 request and 3 of 599 copies`. */
function counted({ own, copies }: Rows, pick: (stratum: ArmStratum) => number): string {
  const of = (strata: readonly ArmStratum[], one: string, many: string) => {
    const n = sum(strata, (s) => s.requests);
    return n === 0 ? [] : [`${count(sum(strata, pick))} of ${count(n)} ${n === 1 ? one : many}`];
  };
  return [...of(own, 'request', 'requests'), ...of(copies, 'copy', 'copies')].join(' and ');
}

function errorRail(
  name: string,
  spec: RolloutSpec,
  seen: Observation,
  champion: ComparedArm,
  arm: ComparedArm,
  rows: Rows,
): Guardrail {
  const strata = [...rows.own, ...rows.copies];
  const requests = sum(strata, (s) => s.requests);
  const failed = sum(strata, (s) => s.failed);
  if (requests === 0) return waiting(name, spec.maxErrorRatio);
  // Requests that no model can answer fail on both arms; only what the challenger adds is its fault. Who cannot be
  // answered keeps its arm and comes back, so entities are counted, not their requests.
  const routes = [...new Set(strata.map((s) => s.routeVersion))];
  const beside = routes.flatMap((route) => {
    const at = (who: ComparedArm) =>
      seen.strata.filter((s) => s.routeVersion === route && s.arm === who.arm && s.version === who.version);
    const [mine, theirs] = [at(arm), at(champion)];
    const [a, b] = [sum(mine, (s) => s.units), sum(theirs, (s) => s.units)];
    if (a === 0 || b === 0) return [];
    return [
      {
        challenger: sum(mine, (s) => s.failedUnits),
        champion: sum(theirs, (s) => s.failedUnits),
        challengerShare: a / (a + b),
      },
    ];
  });
  const refused = sum(rows.own, (s) => s.refused);
  if (beside.length === 0 && refused > 0) return errorsAlone(name, spec, { rows, requests, failed, refused });
  const { value, low } = proportionConfidenceSequence(failed, requests, alpha);
  const above = low !== null && low > spec.maxErrorRatio;
  const more = beside.length === 0 || (armCountTest(beside, alpha).ratio.low ?? 0) > 1;
  const told = above && !more ? ', and the champion fails as often' : '';
  const reason = `${counted(rows, (s) => s.failed)} failed (${percent(value)}, at least ${percent(low)}); ${percent(spec.maxErrorRatio)} is allowed${told}`;
  return { name, value, limit: spec.maxErrorRatio, verdict: above && more ? 'fail' : 'pass', reason };
}

/**
 * With nothing of the champion's beside them nobody knows whether it would have taken what an arm refused. Then only an
 * arm's own failures are its errors, but a version that refuses most of what it is sent must not go on.
 */
function errorsAlone(
  name: string,
  spec: RolloutSpec,
  seen: { readonly rows: Rows; readonly requests: number; readonly failed: number; readonly refused: number },
): Guardrail {
  const { rows, requests, failed, refused } = seen;
  const own = proportionConfidenceSequence(failed - refused, requests, alpha);
  const away = proportionConfidenceSequence(refused, requests, alpha);
  const failing = (own.low ?? 0) > spec.maxErrorRatio || (away.low ?? 0) > mostRefused;
  const reason = `${counted(rows, (s) => s.failed - s.refused)} failed (${percent(own.value)}, at least ${percent(own.low)}); ${percent(spec.maxErrorRatio)} is allowed; ${count(refused)} more were refused for what callers sent (${percent(away.value)}; most may not be)`;
  return { name, value: own.value, limit: spec.maxErrorRatio, verdict: failing ? 'fail' : 'pass', reason };
}

function scoreRail(name: string, rows: Rows): Guardrail {
  const strata = [...rows.own, ...rows.copies];
  const requests = sum(strata, (s) => s.requests);
  const bad = sum(strata, (s) => s.nonFinite);
  if (requests === 0) return waiting(name, 0);
  const reason = `${counted(rows, (s) => s.nonFinite)} had scores that are NaN or infinite`;
  return { name, value: bad, limit: 0, verdict: bad === 0 ? 'pass' : 'fail', reason };
}

function slowRail(name: string, limitMs: number, strata: readonly ArmStratum[]): Guardrail {
  const requests = sum(strata, (s) => s.requests);
  const slow = sum(strata, (s) => s.slow);
  if (requests === 0) return waiting(name, slowShare);
  const { value, low } = proportionConfidenceSequence(slow, requests, alpha);
  const failing = low !== null && low > slowShare;
  const reason = `${count(slow)} of ${count(requests)} answers took longer than ${limitMs} ms (${percent(value)}, at least ${percent(low)}); 1 % may`;
  return { name, value, limit: slowShare, verdict: failing ? 'fail' : 'pass', reason };
}

/**
 * Slower than the champion by more than the ratio, and by a millisecond at least: the bands of both 99th percentiles are
 * that far apart under some route version that both answered by. Shown is that one, or the newest.
 */
function latencyRail(
  name: string,
  { maxLatencyRatio }: RolloutSpec,
  { latency, strata }: Observation,
  champion: ComparedArm,
  arm: ComparedArm,
): Guardrail {
  const pairs = latency.flatMap((own) => {
    if (own.arm !== arm.arm || own.version !== arm.version || !own.value) return [];
    const other = latency.find(
      (b) => b.routeVersion === own.routeVersion && b.arm === champion.arm && b.version === champion.version,
    );
    return other?.value ? [{ own, other, ratio: own.value / other.value }] : [];
  });
  const slower = pairs.find(({ own, other }) => isSlower(own.low, other.high, maxLatencyRatio));
  const shown = slower ?? pairs.at(-1);
  if (!shown) {
    const asked = sum(
      strata.filter((s) => s.arm === arm.arm && s.version === arm.version),
      (s) => s.requests,
    );
    const reason = asked === 0 ? undefined : 'no 99th percentile of both under one route yet';
    return waiting(name, maxLatencyRatio, reason);
  }
  const reason = `p99 ${ms(shown.own)} against ${ms(shown.other)}; ${maxLatencyRatio} times is allowed`;
  return {
    name,
    value: shown.ratio,
    limit: maxLatencyRatio,
    verdict: slower ? 'fail' : 'pass',
    reason,
  };
}

/** Less than this many milliseconds are nobody's harm, whatever the ratio. */
const slowerByMs = 1;

/** Whether latencies are apart by more than a ratio, by the lower end of one band and the upper end of the other. */
export function isSlower(lowMs: number | null, otherHighMs: number | null, ratio: number): boolean {
  if (lowMs === null || otherHighMs === null) return false;
  return lowMs > ratio * otherHighMs && lowMs - otherHighMs > slowerByMs;
}

/**
 * Sample-ratio mismatch: each entity, where it was met first, is an independent draw of the split in force. A split
 * that gives other shares has lost or misrouted requests, so nothing that is counted by it can be trusted. An arm of which
 * nothing is in the log was drawn by none of those that have been there for long enough.
 */
function splitRail({ strata }: Observation, arms: readonly ComparedArm[]): Guardrail {
  const name = 'split';
  let logEvidence = 0;
  let units = 0;
  const silent: string[] = [];
  for (const route of new Set(strata.map((s) => s.routeVersion))) {
    const here = strata.filter((s) => s.routeVersion === route && s.propensity > 0);
    const shares = here.map((s) => s.propensity);
    const known = shares.reduce((total, share) => total + share, 0);
    if (known > 1 + 1e-6) continue;
    // An arm that drew nobody adds nothing to the evidence but its share, which the others lack.
    const isSilent = known < 1 - 1e-6;
    const counts = here.map((s) => (isSilent ? s.overdueUnits : s.newUnits));
    const n = counts.reduce((total, some) => total + some, 0);
    const evidence = multinomialTest(counts, shares).logEvidence;
    logEvidence += evidence;
    units += n;
    if (!isSilent || evidence <= 0) continue;
    const names = arms.flatMap(({ arm }) => (here.some((s) => s.arm === arm) ? [] : [arm]));
    silent.push(
      `${names.join(' and ')} answered none of ${count(n)} under route ${route}, where ${percent(1 - known)} are its share`,
    );
  }
  // Requests of the last moment are not settled; of one arm alone there is nothing to judge.
  if (units === 0)
    return waiting(name, alpha, strata.length === 0 ? noRequest : 'nothing to judge it by yet');
  const pValue = Math.min(1, Math.exp(-logEvidence));
  const failing = pValue <= alpha;
  const nothing =
    silent.length === 0
      ? ''
      : `: ${silent.join('; ')}${failing ? '. Replicas do not ask it, it never answers, or what it answers is not logged' : ''}`;
  const reason = failing
    ? `${count(units)} entities were not split as the route says (p ${pValue.toExponential(1)})${nothing}`
    : `${count(units)} entities were split as the route says (p ${pValue.toFixed(3)})${nothing}`;
  return { name, value: pValue, limit: alpha, verdict: failing ? 'fail' : 'pass', reason };
}

const noRequest = 'no request yet';

function waiting(name: string, limit: number, reason = noRequest): Guardrail {
  return { name, value: null, limit, verdict: 'waiting', reason };
}

function sum(strata: readonly ArmStratum[], pick: (stratum: ArmStratum) => number): number {
  return strata.reduce((total, s) => total + pick(s), 0);
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function percent(ratio: number | null): string {
  return ratio === null ? 'unknown' : `${(100 * ratio).toFixed(2)} %`;
}

function ms({ value, low, high }: { value: number | null; low: number | null; high: number | null }): string {
  const text = (x: number | null) => (x === null ? '…' : x.toFixed(1));
  return `${text(value)} ms (${text(low)} to ${text(high)})`;
}

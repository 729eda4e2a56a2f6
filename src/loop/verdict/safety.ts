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
      errorRail(name('errors'), spec, seen, champion, { own, copies }),
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

/**
 * Errors by route: where the champion answers beside the arm, what it fails more often than that counts; elsewhere, and
 * of copies, which are of what the champion answered, its own failures do. Each has half of alpha.
 */
function errorRail(
  name: string,
  spec: RolloutSpec,
  seen: Observation,
  champion: ComparedArm,
  rows: Rows,
): Guardrail {
  const limit = spec.maxErrorRatio;
  const requests = requestsOf(rows);
  if (requests === 0) return waiting(name, limit);
  const ofChampion = seen.strata.filter((s) => s.arm === champion.arm && s.version === champion.version);
  // Under a route that sends an arm everything, a champion's row is a tester's or a late one: no draw of the split.
  const beside = (s: ArmStratum) =>
    s.units > 0 &&
    s.propensity < 1 &&
    ofChampion.some((c) => c.routeVersion === s.routeVersion && c.units > 0);
  const parts = [
    errorsBeside(spec, ofChampion, { own: rows.own.filter(beside), copies: [] }),
    errorsAlone(spec, ofChampion, { own: rows.own.filter((s) => !beside(s)), copies: rows.copies }),
  ].filter((part) => part !== null);
  const failing = parts.find((part) => part.isFailing);
  const shown = failing ?? (parts.length === 1 ? parts[0] : undefined);
  if (shown)
    return { name, value: shown.value, limit, verdict: failing ? 'fail' : 'pass', reason: shown.reason };
  const { value, low } = proportionConfidenceSequence(failedOf(rows), requests, alpha);
  const reason = `${counted(rows, (s) => s.failed)} failed (${percent(value)}, at least ${percent(low)}); ${percent(limit)} is allowed`;
  return { name, value, limit, verdict: 'pass', reason };
}

interface ErrorsFound {
  readonly value: number | null;
  readonly isFailing: boolean;
  readonly reason: string;
}

/**
 * Requests that no model can answer fail on both arms; only what the challenger adds is its fault, refusals among it: a
 * version that takes less does harm. Who cannot be answered keeps its arm and comes back, so entities are compared.
 */
function errorsBeside(
  { maxErrorRatio }: RolloutSpec,
  ofChampion: readonly ArmStratum[],
  rows: Rows,
): ErrorsFound | null {
  if (requestsOf(rows) === 0) return null;
  const routes = [...new Set(rows.own.map((s) => s.routeVersion))];
  const theirs = ofChampion.filter((s) => routes.includes(s.routeVersion));
  const strata = routes.map((route) => {
    const at = (of: readonly ArmStratum[], pick: (s: ArmStratum) => number) =>
      sum(
        of.filter((s) => s.routeVersion === route),
        pick,
      );
    const [a, b] = [at(rows.own, (s) => s.units), at(theirs, (s) => s.units)];
    return {
      challenger: at(rows.own, (s) => s.failedUnits),
      champion: at(theirs, (s) => s.failedUnits),
      challengerShare: a / (a + b),
    };
  });
  const { value, low } = proportionConfidenceSequence(failedOf(rows), requestsOf(rows), alpha / 2);
  const championFails = failedOf({ own: theirs, copies: [] }) / requestsOf({ own: theirs, copies: [] });
  const isAbove = low !== null && low > maxErrorRatio;
  const isMore = (armCountTest(strata, alpha / 2).ratio.low ?? 0) > 1;
  const isFailing = isMore && (low ?? 0) > maxErrorRatio + championFails;
  const told =
    !isAbove || isFailing
      ? ''
      : isMore
        ? `, beside ${percent(championFails)} of the champion`
        : ', and the champion fails as often';
  const reason = `${counted(rows, (s) => s.failed)} failed (${percent(value)}, at least ${percent(low)}); ${percent(maxErrorRatio)} is allowed${told}`;
  return { value, isFailing, reason };
}

/**
 * With nothing of the champion's beside them nobody knows whether it would have taken what an arm refused. Then only an
 * arm's own failures are its errors, beyond those that the champion had in earlier steps; but a version that refuses most
 * of what it is sent must not go on.
 */
function errorsAlone(
  { maxErrorRatio }: RolloutSpec,
  ofChampion: readonly ArmStratum[],
  rows: Rows,
): ErrorsFound | null {
  const requests = requestsOf(rows);
  if (requests === 0) return null;
  const refused = sum(rows.own, (s) => s.refused);
  const own = proportionConfidenceSequence(failedOf(rows) - refused, requests, alpha / 2);
  const away = proportionConfidenceSequence(refused, requests, alpha / 2);
  const championFails =
    sum(ofChampion, (s) => s.failed - s.refused) /
    Math.max(
      1,
      sum(ofChampion, (s) => s.requests),
    );
  const isFailing = (own.low ?? 0) > maxErrorRatio + championFails || (away.low ?? 0) > mostRefused;
  const told =
    refused === 0
      ? ''
      : `; ${count(refused)} more were refused for what callers sent (${percent(away.value)}; most may not be)`;
  const before = championFails === 0 ? '' : ` more than the ${percent(championFails)} of the champion`;
  const reason = `${counted(rows, (s) => s.failed - s.refused)} failed (${percent(own.value)}, at least ${percent(own.low)}); ${percent(maxErrorRatio)}${before} is allowed${told}`;
  return { value: own.value, isFailing, reason };
}

const requestsOf = ({ own, copies }: Rows): number => sum([...own, ...copies], (s) => s.requests);
const failedOf = ({ own, copies }: Rows): number => sum([...own, ...copies], (s) => s.failed);

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

import { parseDuration } from '../../core/time.ts';
import {
  brierSql,
  featurePrefix,
  logLossSql,
  noVerdictSql,
  refusedSql,
} from '../../lifecycle/feedback/index.ts';
import { type FrameRow, sqlName } from '../../platform/frames/index.ts';
import type { RolloutMetric, RolloutSpec } from '../contract.ts';
import { isPaired } from './judged.ts';
import { latencyBands, latencyGroups } from './latency-bands.ts';
import {
  type ArmStratum,
  judgedValues,
  type LatencyBand,
  nothingObserved,
  type Observation,
  type SegmentObservation,
} from './observation.ts';
import { observePairs, pairsSql } from './observe-pairs.ts';
import { canRepeat, observeRepeats } from './observe-repeats.ts';
import { compareShadow } from './observe-shadow.ts';
import { segmentTextSql } from './segment-text.ts';
import { overdueAfter, settledAfterMs } from './settled.ts';
import { momentsFrom, momentsSql } from './sql-moments.ts';
import { withTable } from './with-table.ts';

/** Which rows of the log are read, and which of their columns. */
interface RowSelection {
  /** Only rows of this route and later ones. */
  readonly sinceRouteVersion: number;
  /** Wall time of replicas: only what was received from then on. */
  readonly receivedFromMs?: number;
  /** Names of the features that are wanted. */
  readonly features: readonly string[];
}

/** The joined prediction log as rollouts read it. */
export interface RolloutLog {
  /**
   * Reads an endpoint's predictions of all arms with their labels, as they are now.
   *
   * @param work gets SQL of a relation that stays as it is until it is over; null when nothing was logged yet. Its
   *   columns: prediction_id, entity (numbers that stand for them), id (the prediction's id), replica, arm, model_version,
   *   route_version, status, score, latency_us, event_time_ms, received_at_ms, bucket, propensity, label, and the
   *   features as text
   */
  read<T>(
    endpoint: string,
    selection: RowSelection,
    work: (relation: string | null) => Promise<T>,
  ): Promise<T>;
  /** Names of the features in the endpoint's log. */
  features(endpoint: string): Promise<readonly string[]>;
  query(sql: string): Promise<readonly FrameRow[]>;
}

/** What is to be observed: the rollout's routes, plan and champion. */
export interface ObserveQuery {
  readonly endpoint: string;
  readonly spec: RolloutSpec;
  /** The first route of the rollout. */
  readonly sinceRouteVersion: number;
  /** The last one; left out: it has not ended. */
  readonly untilRouteVersion?: number;
  /** Wall time: what was received earlier is not read. Left out: all of its routes. */
  readonly sinceMs?: number;
  readonly championVersion: string;
  /** Rows without a label that are older than this count as labelled 0; undefined: they wait. */
  readonly zeroBeforeMs?: number | undefined;
}

/**
 * Before which event time a row without a label counts as labelled 0, by a plan's `rewardAfter`; undefined: such rows
 * wait.
 *
 * @param eventMs event time now; undefined before a replay has begun
 */
export function zeroBeforeOf(spec: RolloutSpec, eventMs: number | undefined): number | undefined {
  if (spec.kind !== 'bandit' || spec.rewardAfter === undefined || eventMs === undefined) return undefined;
  return Math.round(eventMs - parseDuration(spec.rewardAfter));
}

/** How far the clocks of replicas may be behind control's. */
export const clockSkewMs = 3_600_000;

/**
 * Reads everything that a rollout's verdict rests on. Rows that a tester or the caller chose the arm of do not count, nor
 * do streams that the caller gave up.
 */
export async function observe(log: RolloutLog, query: ObserveQuery): Promise<Observation> {
  const known = query.spec.segments.length === 0 ? [] : await log.features(query.endpoint);
  const segments = query.spec.segments.filter((name) => known.includes(name));
  const { endpoint, sinceRouteVersion, sinceMs } = query;
  const since = sinceMs === undefined ? {} : { receivedFromMs: sinceMs - clockSkewMs };
  return log.read(endpoint, { sinceRouteVersion, ...since, features: segments }, (joined) =>
    joined === null ? Promise.resolve(nothingObserved) : observeRows(log, query, joined, segments),
  );
}

async function observeRows(
  log: RolloutLog,
  query: ObserveQuery,
  joined: string,
  segments: readonly string[],
): Promise<Observation> {
  const metrics = metricsOf(query.spec);
  const rows = rowsSql(joined, query, metrics, segments);
  const groups = await strataOf(log, rows, metrics, null);
  const strata = groups.map((g) => g.stratum).filter((s) => s.arm !== 'shadow');
  const shadows = groups.map((g) => g.stratum).filter((s) => s.arm === 'shadow');
  const latency = await armLatency(log, rows, strata);
  const byArms = canRepeat(strata) ? metrics.filter((metric) => !isPaired(query.spec, metric)) : [];
  const rest = async (paired: string | null) => {
    const segmented: SegmentObservation[] = [];
    for (const feature of segments) {
      segmented.push(...(await segmentsOf(log, rows, metrics, feature, paired, byArms)));
    }
    const repeats = byArms.length === 0 ? [] : await observeRepeats(log, rows, byArms, null);
    return {
      strata,
      shadows,
      latency,
      segments: segmented,
      repeats: repeats.map((r) => r.repeats),
      pairs: paired ? (await observePairs(log, paired, metrics, null)).map((p) => p.pairs) : [],
      shadow: paired ? await compareShadow(log, paired, query.spec.threshold, segments) : [],
    };
  };
  return shadows.length === 0 ? rest(null) : withTable(log, pairsSql(rows, metrics, segments), rest);
}

/** The metrics that a plan is judged by, the primary one first, each once. */
export function metricsOf(spec: RolloutSpec): readonly RolloutMetric[] {
  return [...new Set([spec.metric, ...spec.guardrails.map((g) => g.metric)])];
}

function rowsSql(
  joined: string,
  query: ObserveQuery,
  metrics: readonly RolloutMetric[],
  segments: readonly string[],
): string {
  const { spec, sinceRouteVersion, untilRouteVersion = Number.MAX_SAFE_INTEGER, zeroBeforeMs } = query;
  const columns = segments.map((name) => sqlName(`${featurePrefix}${name}`));
  const replaced = [
    ...columns.map((column) => `${segmentTextSql(column)} AS ${column}`),
    ...(zeroBeforeMs === undefined
      ? []
      : [`CASE WHEN label IS NULL AND event_time_ms < ${zeroBeforeMs} THEN 0 ELSE label END AS label`]),
  ];
  const replace = replaced.length === 0 ? '' : `REPLACE (${replaced.join(', ')})`;
  const slow =
    spec.maxLatencyP99Ms === undefined
      ? 'false'
      : `status = 'ok' AND latency_us > ${Math.round(spec.maxLatencyP99Ms * 1000)}`;
  const values = metrics.map((metric) => `${metricSql(metric, spec)} AS m_${metric}`).join(', ');
  return `(SELECT *, coalesce(entity, prediction_id) AS unit, ${slow} AS is_slow,
      status = 'output_not_finite' OR (status = 'ok' AND score IS NOT NULL AND NOT isfinite(score)) AS not_finite,
      ${values}
    FROM (SELECT * ${replace} FROM ${joined})
    WHERE route_version BETWEEN ${sinceRouteVersion} AND ${untilRouteVersion} AND bucket IS NOT NULL AND status NOT IN (${noVerdictSql}))`;
}

/** A metric of one row; NULL while the label or the score is missing. */
function metricSql(metric: RolloutMetric, { threshold, value }: RolloutSpec): string {
  const positive = `score >= ${Number(threshold)}`;
  const scored = `status = 'ok' AND isfinite(score) AND label IS NOT NULL`;
  switch (metric) {
    case 'logLoss':
      return logLossSql;
    case 'brier':
      return brierSql;
    case 'accuracy':
      return `CASE WHEN ${scored} AND label IN (0, 1) THEN ((${positive}) = (label = 1))::DOUBLE END`;
    case 'absoluteError':
      return `CASE WHEN ${scored} THEN abs(score - label) END`;
    case 'squaredError':
      return `CASE WHEN ${scored} THEN (score - label) * (score - label) END`;
    case 'outcome':
      return 'label';
    case 'value': {
      const worth = value ?? { truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0 };
      return `CASE WHEN ${scored} AND label IN (0, 1) THEN (CASE
        WHEN ${positive} AND label = 1 THEN ${worth.truePositive} WHEN ${positive} THEN ${worth.falsePositive}
        WHEN label = 1 THEN ${worth.falseNegative} ELSE ${worth.trueNegative} END)::DOUBLE END`;
    }
  }
}

interface StratumRow {
  readonly segment: string | null;
  readonly stratum: ArmStratum;
}

async function strataOf(
  log: RolloutLog,
  rows: string,
  metrics: readonly RolloutMetric[],
  segment: string | null,
): Promise<readonly StratumRow[]> {
  const by = segment === null ? 'NULL::VARCHAR' : `${segment}::VARCHAR`;
  const means = metrics.map((m) => `avg(m_${m}) AS m_${m}`).join(', ');
  const found = await log.query(`WITH answered AS (SELECT * FROM ${rows} WHERE arm <> 'shadow'),
    slowest AS (SELECT max(latency_us) / 1000 AS ms FROM answered),
    ends AS (SELECT replica, max(received_at_ms) - (${settledAfterMs(0)} + any_value(ms)) AS until_ms,
        max(received_at_ms) - (${overdueAfter.leastMs} + ${overdueAfter.timesSlowest} * any_value(ms)) AS overdue_ms
      FROM answered CROSS JOIN slowest GROUP BY replica),
    units AS (
      SELECT ${by} AS segment, arm, model_version, route_version, unit, count(*) AS requests, avg(propensity) AS propensity,
        count(*) FILTER (status <> 'ok') AS failed, count(*) FILTER (status IN (${refusedSql})) AS refused,
        count(*) FILTER (not_finite) AS non_finite,
        count(*) FILTER (is_slow) AS slow, count(label) AS labelled, bool_or(received_at_ms <= until_ms) AS is_settled,
        bool_or(received_at_ms <= overdue_ms) AS is_overdue, ${means}
      FROM ${rows} LEFT JOIN ends USING (replica) GROUP BY segment, arm, model_version, route_version, unit),
    firsts AS (SELECT unit, min(route_version) AS first_route FROM units
      WHERE arm <> 'shadow' AND propensity < 1 AND is_settled GROUP BY unit)
    SELECT segment, arm, model_version, route_version, sum(requests)::BIGINT AS requests,
      sum(failed)::BIGINT AS failed, sum(refused)::BIGINT AS refused, sum(non_finite)::BIGINT AS non_finite, sum(slow)::BIGINT AS slow,
      sum(labelled)::BIGINT AS labelled, avg(propensity) AS propensity,
      count(*) AS units, count(*) FILTER (failed > 0) AS failed_units,
      count(*) FILTER (first_route = route_version AND is_settled) AS new_units,
      count(*) FILTER (first_route = route_version AND is_overdue) AS overdue_units, ${metrics.map((m) => momentsSql(`m_${m}`)).join(', ')}
    FROM units LEFT JOIN firsts USING (unit) GROUP BY segment, arm, model_version, route_version ORDER BY ALL`);
  return found.map((row) => ({
    segment: row.segment as string | null,
    stratum: {
      arm: row.arm as string,
      version: row.model_version as string,
      routeVersion: Number(row.route_version),
      propensity: Number(row.propensity ?? 0),
      requests: Number(row.requests),
      failed: Number(row.failed),
      refused: Number(row.refused),
      nonFinite: Number(row.non_finite),
      slow: Number(row.slow),
      labelled: Number(row.labelled),
      units: Number(row.units),
      failedUnits: Number(row.failed_units),
      newUnits: Number(row.new_units),
      overdueUnits: Number(row.overdue_units),
      metrics: Object.fromEntries(metrics.map((m) => [m, momentsFrom(row, `m_${m}`)])),
    },
  }));
}

async function segmentsOf(
  log: RolloutLog,
  rows: string,
  metrics: readonly RolloutMetric[],
  feature: string,
  paired: string | null,
  byArms: readonly RolloutMetric[],
): Promise<readonly SegmentObservation[]> {
  const column = sqlName(`${featurePrefix}${feature}`);
  const strata = await strataOf(log, rows, metrics, column);
  const pairs = paired ? await observePairs(log, paired, metrics, column) : [];
  const repeats = byArms.length === 0 ? [] : await observeRepeats(log, rows, byArms, column);
  const sizes = new Map<string, number>();
  for (const { segment, stratum } of strata) {
    if (segment !== null) sizes.set(segment, (sizes.get(segment) ?? 0) + stratum.requests);
  }
  return judgedValues(sizes).map((value) => ({
    feature,
    value,
    strata: strata
      .filter((s) => s.segment === value && s.stratum.arm !== 'shadow')
      .map(({ stratum: { arm, version, routeVersion, metrics: moments } }) => {
        return { arm, version, routeVersion, metrics: moments };
      }),
    repeats: repeats.filter((r) => r.segment === value).map((r) => r.repeats),
    pairs: pairs.filter((p) => p.segment === value).map((p) => p.pairs),
  }));
}

async function armLatency(
  log: RolloutLog,
  rows: string,
  strata: readonly ArmStratum[],
): Promise<readonly LatencyBand[]> {
  const groups = latencyGroups(strata).map((group) => {
    const { arm, version, routeVersion } = group.stratum;
    return { ...group, name: `${arm}/${version}/${routeVersion}` };
  });
  const relation = `(SELECT concat(arm, '/', model_version, '/', route_version) AS grp, latency_us / 1000 AS ms, n
    FROM (SELECT arm, model_version, route_version, latency_us, count(*) AS n FROM ${rows}
      WHERE arm <> 'shadow' AND status = 'ok' GROUP BY ALL))`;
  const bands = await latencyBands(log, relation, groups);
  return groups.flatMap(({ stratum: { arm, version, routeVersion }, name, n }) => {
    const band = bands.get(name);
    return band ? [{ arm, version, routeVersion, n, ...band }] : [];
  });
}

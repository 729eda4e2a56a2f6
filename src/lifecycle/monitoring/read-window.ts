import { systemActor } from '../../platform/access/index.ts';
import { type FrameRow, type Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import { type FeedbackService, featurePrefix, noVerdictSql, refusedSql } from '../feedback/index.ts';
import type { HealthCounts } from './measure-health.ts';
import type { LabelledScores } from './performance/measure-performance.ts';

/** Where the rows come from: the feedback slice's log, read by the frame engine. */
export interface LogReader {
  readonly feedback: FeedbackService;
  readonly frames: Frames;
}

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a model version did in a window: counts, exact; and its scores where the truth is known. */
export interface VersionWindow extends HealthCounts {
  readonly modelVersion: string;
  /** Of the requests, those answered as champion. */
  readonly championRows: number;
  /** Event times of its first and last request in the window. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Answered without error. */
  readonly eligible: number;
  /** Changes whenever rows or labels do. */
  readonly fingerprint: string;
  readonly labelled: LabelledScores;
}

/** Rows of a version's window beyond these are sampled, chosen by a hash of their prediction id. */
const maxRows = 100_000;
const joinedColumns = 'prediction_id, model_version, event_time_ms, arm, status, score, latency_us';

/** The model versions that answered in a time range; most requests first. */
export async function readWindow(
  { feedback, frames }: LogReader,
  endpoint: string,
  range: TimeRange,
): Promise<readonly VersionWindow[]> {
  const filter = { ...range, rows: 'answered' } as const;
  const joined = await feedback.joined(systemActor, endpoint, filter, joinedColumns);
  if (joined === null) return [];
  const known = `FILTER (status = 'ok' AND label IN (0, 1) AND score BETWEEN 0 AND 1 AND nth <= ${maxRows})`;
  const rows = await frames.query(
    `SELECT model_version, count(*) AS requests, count(*) FILTER (status NOT IN ('ok', ${noVerdictSql}, ${refusedSql})) AS failed,
       count(*) FILTER (status IN (${refusedSql})) AS refused,
       count(*) FILTER (status = 'ok' AND NOT isfinite(score)) AS non_finite,
       count(*) FILTER (arm = 'champion') AS champion_rows, count(*) FILTER (status = 'ok') AS eligible,
       min(event_time_ms) AS first_ms, max(event_time_ms) AS last_ms,
       quantile_cont(latency_us / 1000, [0.5, 0.95, 0.99]) FILTER (status = 'ok') AS latency,
       count(label_seq) AS labels, coalesce(max(label_seq), 0) AS newest_label, sum(label_seq % 1000003)::BIGINT AS label_sum,
       list(label::UTINYINT ORDER BY nth) ${known} AS labels_known, list(score ORDER BY nth) ${known} AS scores_known
     FROM (SELECT *, row_number() OVER (PARTITION BY model_version ORDER BY hash(prediction_id), prediction_id) AS nth
       FROM ${joined})
     GROUP BY model_version ORDER BY requests DESC, model_version`,
  );
  return rows.map(toVersionWindow);
}

function toVersionWindow(row: FrameRow): VersionWindow {
  const [p50, p95, p99] = (row.latency ?? []) as readonly number[];
  return {
    modelVersion: row.model_version as string,
    requests: row.requests as number,
    failed: row.failed as number,
    refused: row.refused as number,
    nonFinite: row.non_finite as number,
    championRows: row.champion_rows as number,
    firstMs: row.first_ms as number,
    lastMs: row.last_ms as number,
    eligible: row.eligible as number,
    latencyMs: p50 === undefined || p95 === undefined || p99 === undefined ? null : { p50, p95, p99 },
    fingerprint: [row.requests, row.failed, row.refused, row.labels, row.newest_label, row.label_sum].join(
      '/',
    ),
    labelled: {
      labels: Uint8Array.from((row.labels_known ?? []) as readonly number[]),
      scores: Float64Array.from((row.scores_known ?? []) as readonly number[]),
    },
  };
}

/** Values of a model version's answered rows in a window, by feature; and its scores. */
export interface WindowValues {
  readonly features: ReadonlyMap<string, readonly unknown[]>;
  readonly scores: readonly unknown[];
}

/** @param names features to read; the log must have them */
export async function readValues(
  { feedback, frames }: LogReader,
  endpoint: string,
  range: TimeRange,
  modelVersion: string,
  names: readonly string[],
): Promise<WindowValues> {
  const filter = { ...range, rows: 'answered' } as const;
  const columns = ['score', ...names.map((name) => sqlName(featurePrefix + name))].join(', ');
  const logged = `prediction_id, model_version, status, ${columns}`;
  const rows = await feedback.logged(systemActor, endpoint, filter, logged);
  if (rows === null) return { features: new Map(), scores: [] };
  const result = await frames.columns(
    `SELECT ${columns} FROM ${rows} WHERE model_version = ${sqlLiteral(modelVersion)} AND status = 'ok'
     ORDER BY hash(prediction_id) LIMIT ${maxRows}`,
  );
  return {
    scores: result.columns[0] ?? [],
    features: new Map(names.map((name, i) => [name, result.columns[i + 1] ?? []])),
  };
}

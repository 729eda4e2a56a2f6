import { systemActor } from '../../platform/access/index.ts';
import { type FrameRow, type Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import { type FeedbackService, featurePrefix } from '../feedback/index.ts';
import type { HealthCounts } from './measureHealth.ts';
import type { LabelledScores } from './performance/measurePerformance.ts';

/** Where the rows come from: the feedback slice's log, read by the frame engine. */
export interface LogReader {
  readonly feedback: FeedbackService;
  readonly frames: Frames;
}

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a model version did in a window, counted exactly. */
export interface VersionCounts extends HealthCounts {
  readonly modelVersion: string;
  /** Of the requests, those answered as champion. */
  readonly championRows: number;
  /** Answered without error. */
  readonly eligible: number;
  /** Changes whenever rows or labels do. */
  readonly fingerprint: string;
}

/** Rows of a window beyond these are sampled, chosen by a hash of their prediction id. */
const maxRows = 100_000;
const countColumns = 'prediction_id, model_version, arm, status, score, latency_us';

/** The model versions that answered in a time range, with their counts; most requests first. */
export async function readCounts(
  { feedback, frames }: LogReader,
  endpoint: string,
  range: TimeRange,
): Promise<readonly VersionCounts[]> {
  const filter = { ...range, rows: 'answered' } as const;
  const joined = await feedback.joined(systemActor, endpoint, filter, countColumns);
  if (joined === null) return [];
  const rows = await frames.query(
    `SELECT model_version, count(*) AS requests, count(*) FILTER (status <> 'ok') AS failed,
       count(*) FILTER (status = 'ok' AND NOT isfinite(score)) AS non_finite,
       count(*) FILTER (arm = 'champion') AS champion_rows, count(*) FILTER (status = 'ok') AS eligible,
       quantile_cont(latency_us / 1000, [0.5, 0.95, 0.99]) FILTER (status = 'ok') AS latency,
       count(label_seq) AS labels, coalesce(max(label_seq), 0) AS newest_label, sum(label_seq % 1000003)::BIGINT AS label_sum
     FROM ${joined} GROUP BY model_version ORDER BY requests DESC, model_version`,
  );
  return rows.map(toCounts);
}

function toCounts(row: FrameRow): VersionCounts {
  const [p50, p95, p99] = (row.latency ?? []) as readonly number[];
  return {
    modelVersion: row.model_version as string,
    requests: row.requests as number,
    failed: row.failed as number,
    nonFinite: row.non_finite as number,
    championRows: row.champion_rows as number,
    eligible: row.eligible as number,
    latencyMs: p50 === undefined || p95 === undefined || p99 === undefined ? null : { p50, p95, p99 },
    fingerprint: [row.requests, row.failed, row.labels, row.newest_label, row.label_sum].join('/'),
  };
}

/** Values of a model version's answered rows in a window, by feature; and its scores. */
export interface WindowValues {
  readonly features: ReadonlyMap<string, readonly unknown[]>;
  readonly scores: readonly unknown[];
}

/** @param wanted features to read; those that the log does not have are left out */
export async function readValues(
  { feedback, frames }: LogReader,
  endpoint: string,
  range: TimeRange,
  modelVersion: string,
  wanted: readonly string[],
): Promise<WindowValues> {
  const filter = { ...range, rows: 'answered' } as const;
  const logged = new Set(await feedback.loggedFeatures(systemActor, endpoint, filter));
  const names = wanted.filter((name) => logged.has(name));
  const columns = ['score', ...names.map((name) => sqlName(featurePrefix + name))];
  const rows = await feedback.logged(
    systemActor,
    endpoint,
    filter,
    `prediction_id, model_version, status, ${columns.join(', ')}`,
  );
  if (rows === null) return { features: new Map(), scores: [] };
  const result = await frames.columns(
    `SELECT ${columns.join(', ')} FROM ${rows} WHERE model_version = ${sqlLiteral(modelVersion)} AND status = 'ok'
     ORDER BY hash(prediction_id) LIMIT ${maxRows}`,
  );
  return {
    scores: result.columns[0] ?? [],
    features: new Map(names.map((name, i) => [name, result.columns[i + 1] ?? []])),
  };
}

/** Labels and scores of a model version's answered rows in a window whose label is in. */
export async function readLabelled(
  { feedback, frames }: LogReader,
  endpoint: string,
  range: TimeRange,
): Promise<ReadonlyMap<string, LabelledScores>> {
  const filter = { ...range, rows: 'answered' } as const;
  const columns = 'prediction_id, model_version, status, score';
  const joined = await feedback.joined(systemActor, endpoint, filter, columns);
  if (joined === null) return new Map();
  const rows = await frames.query(
    `SELECT model_version, list(label::UTINYINT) AS labels, list(score) AS scores FROM (
       SELECT model_version, label, score FROM ${joined}
       WHERE status = 'ok' AND label IN (0, 1) AND score BETWEEN 0 AND 1
       QUALIFY row_number() OVER (PARTITION BY model_version ORDER BY hash(prediction_id)) <= ${maxRows})
     GROUP BY model_version`,
  );
  return new Map(
    rows.map((row) => [
      row.model_version as string,
      {
        labels: Uint8Array.from(row.labels as readonly number[]),
        scores: Float64Array.from(row.scores as readonly number[]),
      },
    ]),
  );
}

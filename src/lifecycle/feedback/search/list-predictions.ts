import { z } from 'zod';
import { formatTime } from '../../../core/time.ts';
import { type FrameRow, type Frames, sqlLiteral, sqlName } from '../../../platform/frames/index.ts';
import {
  type Arm,
  DECISION_THRESHOLD,
  labelValueOf,
  type Prediction,
  type PredictionsFilter,
} from '../contract.ts';
import {
  featureNames,
  featurePrefix,
  joinedSql,
  type LogPath,
  predictionsSql,
  type RowFilter,
} from '../relations.ts';
import type { Slice } from './slices.ts';

/** Where a page ends: the next one starts behind this row. */
export const pageKeySchema = z.tuple([z.int(), z.string(), z.string()]);
export type PageKey = z.infer<typeof pageKeySchema>;

export function pageKey(prediction: Prediction): PageKey {
  return [Date.parse(prediction.eventTime), prediction.predictionId, prediction.arm];
}

type Filter = PredictionsFilter;
type Range = Pick<Filter, 'arm' | 'from' | 'to'>;

/** The log of an endpoint as a search sees it. */
export interface SearchedLog {
  readonly frames: Frames;
  /** Ever larger parts of it; see `newestSlices`. */
  readonly slices: AsyncIterable<Slice>;
  /** Files that may hold these predictions. */
  readonly holding: (ids: readonly string[]) => Promise<readonly LogPath[]>;
  /** Files that may hold labels of these predictions; undefined: of any. */
  readonly labelPaths: (ids?: readonly string[]) => Promise<readonly LogPath[]>;
}

/** Rows that a first look finds beyond the page: so many of it may turn out to have been sent again. */
const spareRows = 20;

/** The newest `count` rows (by event time, then id) that pass the filter, behind `after`. */
export async function listPredictions(
  log: SearchedLog,
  filter: Filter,
  count: number,
  after: PageKey | undefined,
): Promise<readonly Prediction[]> {
  const search = { log, filter, after };
  for await (const slice of log.slices) {
    const isLast = slice.floorMs === Number.NEGATIVE_INFINITY;
    if (slice.ids !== undefined) {
      // Where the predictions are known by id, few are read: with everything that is shown of them at once.
      const rows = await rowsOf(search, slice, count, 'whole');
      if (rows.length >= count || isLast) return rows.map(toPrediction);
      continue;
    }
    // To find which of a prediction's rows counts costs many times the search: done for what is found alone.
    const most = count + spareRows;
    const found = await rowsOf(search, slice, most, 'keys', true);
    if (found.length < count && !isLast) continue;
    const rows = (await wholeRows(search, found)).filter(
      (row) => found.length < most || !isBehind(row, found.at(-1)),
    );
    if (rows.length >= count || (isLast && found.length < most))
      return rows.slice(0, count).map(toPrediction);
    if (found.length < most) continue;
    const exact = await rowsOf(search, slice, count, 'keys');
    if (exact.length >= count || isLast) return (await wholeRows(search, exact)).map(toPrediction);
  }
  return [];
}

function isBehind(row: FrameRow, last: FrameRow | undefined): boolean {
  if (!last || row.event_time_ms !== last.event_time_ms)
    return (row.event_time_ms as number) < ((last?.event_time_ms as number | undefined) ?? 0);
  return (row.prediction_id as string) < (last.prediction_id as string);
}

/** Rows of this time on are not on the page: the filter's end, or behind the last page. */
export function endOf(filter: Filter, after: PageKey | undefined): number {
  return Math.min(
    filter.to === undefined ? Number.POSITIVE_INFINITY : Date.parse(filter.to),
    after === undefined ? Number.POSITIVE_INFINITY : after[0] + 1,
  );
}

interface Search {
  readonly log: SearchedLog;
  readonly filter: Filter;
  readonly after: PageKey | undefined;
}

/** The rows on the page. Of `keys` few columns are read, and labels only where the filter asks for them. */
async function rowsOf(
  { log: { frames, labelPaths }, filter, after }: Search,
  { paths, floorMs, ids }: Slice,
  count: number,
  detail: 'keys' | 'whole',
  everyRow = false,
): Promise<readonly FrameRow[]> {
  if (filter.feature !== undefined && !(await featureNames(frames, paths)).includes(filter.feature))
    return [];
  const range = { ...searchedRange(filter, after, floorMs), everyRow };
  const feature = filter.feature === undefined ? '' : `, ${sqlName(featurePrefix + filter.feature)}`;
  const page = `WHERE ${filterSql(filter, after)} ${newestFirst} LIMIT ${count}`;
  if (detail === 'whole') {
    const first = await firstPieceSql(frames, paths);
    const rows = joinedSql(paths, await labelPaths(ids), range, logColumns + first + feature, 'full');
    return frames.query(`SELECT ${predictionColumns}, first_us FROM ${rows} ${page}`);
  }
  const columns = `${keyColumns}, endpoint, entity, status, score${feature}`;
  const needsLabels = filter.labelled !== undefined || filter.outcome !== undefined;
  const rows = needsLabels
    ? joinedSql(paths, await labelPaths(ids), range, columns, 'value')
    : predictionsSql(paths, range, columns);
  return frames.query(`SELECT ${keyColumns} FROM ${rows} ${page}`);
}

function searchedRange(filter: Filter, after: PageKey | undefined, floorMs: number): RowFilter {
  const given = rangeOf(filter);
  const toMs = endOf(filter, after);
  const fromMs = Math.max(floorMs, given.fromMs ?? Number.NEGATIVE_INFINITY);
  return {
    ...given,
    fromMs: Number.isFinite(fromMs) ? fromMs : undefined,
    toMs: Number.isFinite(toMs) ? toMs : undefined,
  };
}

const newestFirst = 'ORDER BY event_time_ms DESC, prediction_id DESC, arm DESC';
const keyColumns = 'prediction_id, event_time_ms, arm, model_version';

/** Times and arms of a filter, for the relations. */
export function rangeOf(filter: Range): RowFilter {
  return {
    rows: filter.arm === 'shadow' ? 'shadow' : 'answered',
    fromMs: filter.from === undefined ? undefined : Date.parse(filter.from),
    toMs: filter.to === undefined ? undefined : Date.parse(filter.to),
  };
}

/** SQL condition of a filter over joined rows that have the columns that it names. */
export function filterSql(filter: Filter, after?: PageKey): string {
  const conditions = [`endpoint = ${sqlLiteral(filter.endpoint)}`];
  if (filter.arm) conditions.push(`arm = ${sqlLiteral(filter.arm)}`);
  if (filter.modelVersion) conditions.push(`model_version = ${sqlLiteral(filter.modelVersion)}`);
  if (filter.entity) conditions.push(`entity = ${sqlLiteral(filter.entity)}`);
  if (filter.status === 'failed') conditions.push(`status <> 'ok'`);
  else if (filter.status) conditions.push(`status = ${sqlLiteral(filter.status)}`);
  if (filter.labelled !== undefined) conditions.push(`label_seq IS ${filter.labelled ? 'NOT ' : ''}NULL`);
  if (filter.outcome) conditions.push(`${outcomeSql} = ${sqlLiteral(filter.outcome)}`);
  if (filter.feature !== undefined) {
    const column = `${sqlName(featurePrefix + filter.feature)}::VARCHAR`;
    conditions.push(
      filter.value === undefined ? `${column} IS NULL` : `${column} = ${sqlLiteral(filter.value)}`,
    );
  }
  if (filter.minScore !== undefined) conditions.push(`score >= ${filter.minScore}`);
  if (filter.maxScore !== undefined) conditions.push(`score <= ${filter.maxScore}`);
  if (after) {
    const [ms, id, arm] = after;
    conditions.push(`(event_time_ms, prediction_id, arm) < (${ms}, ${sqlLiteral(id)}, ${sqlLiteral(arm)})`);
  }
  return conditions.join(' AND ');
}

/** The rows that these keys name and that count, with everything that a list shows, as far as they pass the filter. */
async function wholeRows(
  { log: { frames, labelPaths, holding }, filter, after }: Search,
  keys: readonly FrameRow[],
): Promise<readonly FrameRow[]> {
  if (keys.length === 0) return [];
  const ids = [...new Set(keys.map((key) => key.prediction_id as string))];
  const paths = await holding(ids);
  const range: RowFilter = { ...searchedRange(filter, after, Number.NEGATIVE_INFINITY), ids };
  const wanted = keys.map((key) => sqlLiteral(`${key.prediction_id} ${key.model_version}`)).join(', ');
  let columns = logColumns + (await firstPieceSql(frames, paths));
  if (filter.feature !== undefined) {
    const isThere = (await featureNames(frames, paths)).includes(filter.feature);
    columns += `, ${isThere ? '' : 'NULL AS '}${sqlName(featurePrefix + filter.feature)}`;
  }
  return frames.query(
    `SELECT ${predictionColumns}, first_us FROM ${joinedSql(paths, await labelPaths(ids), range, columns, 'full')}
     WHERE prediction_id || ' ' || model_version IN (${wanted}) AND ${filterSql(filter, after)} ${newestFirst}`,
  );
}

const logColumns = `prediction_id, endpoint, entity, event_time_ms, received_at_ms, model, model_version, arm, status,
  "error", latency_us, score`;

/** The column of the time to the first piece; files that were written before answers came in pieces lack it. */
async function firstPieceSql(frames: Frames, paths: readonly LogPath[]): Promise<string> {
  const files = paths.map((path) => sqlLiteral(typeof path === 'string' ? path : path.path)).join(', ');
  const found = await frames.query(
    `SELECT name FROM parquet_schema([${files}]) WHERE name = 'first_us' LIMIT 1`,
  );
  return found.length > 0 ? ', first_us' : ', NULL::BIGINT AS first_us';
}

/** correct or wrong by the fixed threshold; NULL unless answered with a finite score and labelled 0 or 1. */
export const outcomeSql = `CASE WHEN status = 'ok' AND isfinite(score) AND label IN (0, 1)
  THEN CASE WHEN (score >= ${DECISION_THRESHOLD}) = (label = 1) THEN 'correct' ELSE 'wrong' END END`;

/** The columns that `toPrediction` reads. */
export const predictionColumns = `${logColumns}, label_json, label_event_time_ms, label_received_at_ms,
  ${outcomeSql} AS outcome`;

export function toPrediction(row: FrameRow): Prediction {
  return {
    ...loggedPrediction(row),
    label:
      row.label_json === null
        ? null
        : {
            value: labelValueOf(row.label_json),
            eventTime: formatTime(row.label_event_time_ms as number),
            receivedAt: formatTime(row.label_received_at_ms as number),
          },
    outcome: row.outcome as Prediction['outcome'],
  };
}

/** What the log itself has of a row. */
export function loggedPrediction(row: FrameRow): Omit<Prediction, 'label' | 'outcome'> {
  const score = row.score;
  return {
    predictionId: row.prediction_id as string,
    endpoint: row.endpoint as string,
    entity: row.entity as string | null,
    eventTime: formatTime(row.event_time_ms as number),
    receivedAt: formatTime(row.received_at_ms as number),
    model: row.model as string,
    modelVersion: row.model_version as string,
    arm: row.arm as Arm,
    status: row.status as string,
    error: row.error as string | null,
    latencyMs: (row.latency_us as number) / 1000,
    firstPieceMs: typeof row.first_us === 'number' ? row.first_us / 1000 : null,
    score: typeof score === 'number' && Number.isFinite(score) ? score : null,
  };
}

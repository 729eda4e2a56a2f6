import { z } from 'zod';
import { formatTime } from '../../../core/time.ts';
import { type Frames, sqlLiteral, sqlName, typedRows } from '../../../platform/frames/index.ts';
import {
  DECISION_THRESHOLD,
  labelValueOf,
  outcomeSchema,
  type Prediction,
  type PredictionsFilter,
} from '../contract.ts';
import {
  featureNames,
  featurePrefix,
  joinedSql,
  type KnownFile,
  type LogPath,
  predictionsSql,
  type RowFilter,
} from '../relations.ts';
import { loggedPrediction, loggedRowSchema } from './logged-row.ts';
import { mostIds, type Slice } from './slices.ts';

/** Where a page ends: the next one starts behind this row. */
export const pageKeySchema = z.tuple([z.int(), z.string(), z.string(), z.string()]);
export type PageKey = z.infer<typeof pageKeySchema>;

export function pageKey({ eventTime, predictionId, arm, modelVersion }: Prediction): PageKey {
  return [Date.parse(eventTime), predictionId, arm, modelVersion];
}

/** A filter with its entity in all forms that it may have in the log. */
export type LogFilter = Omit<PredictionsFilter, 'entity'> & { readonly entities?: readonly string[] };
type Filter = LogFilter;
type Range = Pick<Filter, 'arm' | 'from' | 'to'>;

/** The log of an endpoint as a search sees it. */
interface SearchedLog {
  readonly frames: Frames;
  /** Ever larger parts of it; see `newestSlices`. */
  readonly slices: AsyncIterable<Slice>;
  /** Files that may hold these predictions, of any time, and no other. */
  readonly holding: (ids: readonly string[]) => Promise<readonly KnownFile[]>;
  /** Files that may hold labels of these predictions; undefined: of any. */
  readonly labelPaths: (ids?: readonly string[]) => Promise<readonly LogPath[]>;
}

/** Rows that a first look finds beyond the page: so many of it may turn out to have been sent again. */
const spareRows = 20;

/**
 * The newest `count` rows (by event time, then id) that pass the filter and count, behind `after`. Of a prediction that
 * was sent again the row received last counts, also where it is of a time that is not searched.
 */
export async function listPredictions(
  log: SearchedLog,
  filter: Filter,
  count: number,
  after: PageKey | undefined,
): Promise<readonly Prediction[]> {
  const search = { log, filter };
  const page: FoundRow[] = [];
  let behind = after;
  for await (const slice of log.slices) {
    if (slice.ids !== undefined) {
      page.push(...(await countingRows(search, slice.ids, behind, slice.floorMs, count - page.length)));
      behind = keyOfRow(page.at(-1)) ?? behind;
    }
    // To find which of a prediction's rows counts costs many times the search: done for what is found alone.
    for (let most = count + spareRows; slice.ids === undefined && page.length < count; ) {
      const found = await keysOf(search, slice, behind, most);
      const last = found.at(-1);
      if (!last) break;
      const ids = [...new Set(found.map(([, id]) => id))];
      const keys = new Set(found.map((key) => JSON.stringify(key)));
      const counting = await countingRows(search, ids, behind, slice.floorMs, most);
      page.push(...counting.filter((row) => keys.has(JSON.stringify(keyOfRow(row)))));
      behind = last;
      if (found.length < most) break;
      most = Math.min(most * 4, mostIds);
    }
    if (page.length >= count) break;
  }
  return page.slice(0, count).map(toPrediction);
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
}

/** The first rows of a slice that pass the filter, whether they count or not. Labels are read only where the filter asks. */
async function keysOf(
  { log: { frames, labelPaths }, filter }: Search,
  { paths, floorMs }: Slice,
  behind: PageKey | undefined,
  count: number,
): Promise<readonly PageKey[]> {
  if (filter.feature !== undefined && !(await featureNames(frames, paths)).includes(filter.feature))
    return [];
  const feature = filter.feature === undefined ? '' : `, ${sqlName(featurePrefix + filter.feature)}`;
  const columns = `${keyColumns}, endpoint, entity, status, score${feature}`;
  const range: RowFilter = { ...searchedRange(filter, behind, floorMs), everyRow: true };
  const needsLabels = filter.labelled !== undefined || filter.outcome !== undefined;
  const rows = needsLabels
    ? joinedSql(paths, await labelPaths(), range, columns, 'value')
    : predictionsSql(paths, range, columns);
  const found = await frames.query(
    `SELECT ${keyColumns} FROM ${rows} WHERE ${filterSql(filter)} ${behindSql(behind)} ${newestFirst} LIMIT ${count}`,
  );
  return found.map(keyOfRow).filter((key) => key !== undefined);
}

function keyOfRow(row: Readonly<Record<string, unknown>> | undefined): PageKey | undefined {
  return row && pageKeySchema.parse(keyNames.map((name) => row[name]));
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

const keyNames = ['event_time_ms', 'prediction_id', 'arm', 'model_version'];
const keyColumns = keyNames.join(', ');
const newestFirst = `ORDER BY ${keyNames.map((name) => `${name} DESC`).join(', ')}`;

function behindSql(key: PageKey | undefined): string {
  return key === undefined ? '' : `AND (${keyColumns}) < ${keySql(key)}`;
}

function keySql(key: PageKey): string {
  return `(${key.map((part) => (typeof part === 'number' ? part : sqlLiteral(part))).join(', ')})`;
}

/** Times and arms of a filter, for the relations. */
export function rangeOf(filter: Range): RowFilter {
  return {
    rows: filter.arm === 'shadow' ? 'shadow' : 'answered',
    fromMs: filter.from === undefined ? undefined : Date.parse(filter.from),
    toMs: filter.to === undefined ? undefined : Date.parse(filter.to),
  };
}

/** SQL condition of a filter over joined rows that have the columns that it names. */
export function filterSql(filter: Filter): string {
  const conditions = [`endpoint = ${sqlLiteral(filter.endpoint)}`];
  if (filter.arm) conditions.push(`arm = ${sqlLiteral(filter.arm)}`);
  if (filter.modelVersion) conditions.push(`model_version = ${sqlLiteral(filter.modelVersion)}`);
  if (filter.entities) conditions.push(`entity IN (${filter.entities.map(sqlLiteral).join(', ')})`);
  if (filter.status === 'failed') conditions.push(`status <> 'ok'`);
  else if (filter.status) conditions.push(`status = ${sqlLiteral(filter.status)}`);
  if (filter.labelled !== undefined) conditions.push(`label_seq IS ${filter.labelled ? 'NOT ' : ''}NULL`);
  if (filter.outcome) conditions.push(`${outcomeSql} = ${sqlLiteral(filter.outcome)}`);
  if (filter.feature !== undefined) {
    conditions.push(featureSql(sqlName(featurePrefix + filter.feature), filter.value));
  }
  if (filter.minScore !== undefined) conditions.push(`score >= ${filter.minScore}`);
  if (filter.maxScore !== undefined) conditions.push(`score <= ${filter.maxScore}`);
  return conditions.join(' AND ');
}

/** A feature of a value: a number is equal however it is written (3, 3.0, 3e0), and also as the log's text. */
function featureSql(column: string, value: string | undefined): string {
  if (value === undefined) return `${column} IS NULL`;
  const isText = `${column}::VARCHAR = ${sqlLiteral(value)}`;
  if (value.trim() === '' || !Number.isFinite(Number(value))) return isText;
  return `(${isText} OR (typeof(${column}) = 'DOUBLE' AND TRY_CAST(${column} AS DOUBLE) = ${Number(value)}))`;
}

/** The first rows of these predictions that count and pass the filter, with everything that a list shows. */
async function countingRows(
  { log: { frames, labelPaths, holding }, filter }: Search,
  ids: readonly string[],
  behind: PageKey | undefined,
  floorMs: number,
  count: number,
): Promise<readonly FoundRow[]> {
  const paths = await holding(ids);
  let columns = logColumns + (await firstPieceSql(frames, paths));
  if (filter.feature !== undefined) {
    const isThere = (await featureNames(frames, paths)).includes(filter.feature);
    columns += `, ${isThere ? '' : 'NULL AS '}${sqlName(featurePrefix + filter.feature)}`;
  }
  const { rows, fromMs, toMs } = searchedRange(filter, behind, floorMs);
  const joined = joinedSql(paths, await labelPaths(ids), { rows }, columns, 'full');
  const range = [
    ...(fromMs === undefined ? [] : [`AND event_time_ms >= ${fromMs}`]),
    ...(toMs === undefined ? [] : [`AND event_time_ms < ${toMs}`]),
  ].join(' ');
  return typedRows(
    frames,
    foundRowSchema,
    `SELECT ${predictionColumns}, first_us FROM ${joined}
     WHERE ${filterSql(filter)} ${range} ${behindSql(behind)} ${newestFirst} LIMIT ${count}`,
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
const predictionColumns = `${logColumns}, label_json, label_event_time_ms, label_received_at_ms,
  ${outcomeSql} AS outcome`;

/** A row of the log with what `predictionColumns` names of its label. */
const foundRowSchema = loggedRowSchema.extend({
  label_json: z.string().nullable(),
  label_event_time_ms: z.int().nullable(),
  label_received_at_ms: z.int().nullable(),
  outcome: outcomeSchema.nullable(),
});
type FoundRow = z.infer<typeof foundRowSchema>;

function toPrediction(row: FoundRow): Prediction {
  const { label_json, label_event_time_ms, label_received_at_ms, outcome } = row;
  const label =
    label_json === null || label_event_time_ms === null || label_received_at_ms === null
      ? null
      : {
          value: labelValueOf(label_json),
          eventTime: formatTime(label_event_time_ms),
          receivedAt: formatTime(label_received_at_ms),
        };
  return { ...loggedPrediction(row), label, outcome };
}

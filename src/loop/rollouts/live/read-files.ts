import {
  type ArrivedLabel,
  type ArrivedRow,
  featurePrefix,
  labelTimeSql,
} from '../../../lifecycle/feedback/index.ts';
import { type FrameColumns, sqlName } from '../../../platform/frames/index.ts';
import type { LiveFile, LiveLog } from './live-log.ts';

/** A row with what it has of protected features, in the order of the plan; null: nothing. */
interface RowInSegments {
  readonly row: ArrivedRow;
  readonly segments: readonly (string | null)[];
}

/** Rows of a file of the log that belong to a rollout. */
export async function readRows(
  log: LiveLog,
  file: LiveFile,
  sinceRouteVersion: number,
  features: readonly string[],
): Promise<readonly RowInSegments[]> {
  const columns = features.map((name) => sqlName(`${featurePrefix}${name}`));
  // What the file does not have is added, so that it can be named.
  const missing = columns.map((column) => `, NULL AS ${column}`).join('');
  const texts = columns.map((column, i) => `, ${column}::VARCHAR AS cell_${i}`).join('');
  const found = await log.columns(
    `SELECT prediction_id, arm, model_version, route_version, status, score, latency_us, event_time_ms, received_at_ms, entity, bucket, propensity${texts}
     FROM (SELECT * FROM ${file.sql} UNION ALL BY NAME SELECT NULL AS prediction_id${missing} WHERE false) WHERE route_version >= ${sinceRouteVersion} ORDER BY event_time_ms`,
  );
  return rowsOf(found, (cell) => ({
    row: {
      ...(file.replica === undefined ? {} : { replica: file.replica }),
      predictionId: cell('prediction_id') as string,
      arm: cell('arm') as string,
      version: cell('model_version') as string,
      routeVersion: cell('route_version') as number,
      status: cell('status') as string,
      score: cell('score') as number | null,
      latencyUs: (cell('latency_us') as number | null) ?? 0,
      eventTimeMs: cell('event_time_ms') as number,
      receivedAtMs: cell('received_at_ms') as number,
      entity: cell('entity') as string | null,
      bucket: cell('bucket') as number | null,
      propensity: cell('propensity') as number | null,
      cells: null,
    },
    segments: features.map((_, i) => cell(`cell_${i}`) as string | null),
  }));
}

/** Labels of a file that were received since a rollout began, and not after `untilMs`. */
export async function readLabels(
  log: LiveLog,
  file: LiveFile,
  { receivedFromMs, untilMs }: { readonly receivedFromMs: number; readonly untilMs: number },
): Promise<readonly ArrivedLabel[]> {
  const until = Number.isFinite(untilMs) ? ` AND received_at_ms <= ${untilMs}` : '';
  const found = await log.columns(
    `SELECT prediction_id, value_number, ${labelTimeSql} AS at_ms, seq FROM ${file.sql}
     WHERE received_at_ms >= ${receivedFromMs}${until} `,
  );
  return rowsOf(found, (cell) => ({
    predictionId: cell('prediction_id') as string,
    value: cell('value_number') as number | null,
    eventTimeMs: cell('at_ms') as number,
    seq: cell('seq') as number,
  }));
}

function rowsOf<T>(
  { names, columns }: FrameColumns,
  make: (cell: (name: string) => unknown) => T,
): readonly T[] {
  const at = new Map(names.map((name, i) => [name, columns[i]]));
  return Array.from({ length: columns[0]?.length ?? 0 }, (_, row) => make((name) => at.get(name)?.[row]));
}

import type { PredictionArm } from '../contract.ts';
import type { RowFlag } from './row-check.ts';
import type { ServedModel } from './served-model.ts';

/** One row of the prediction log before it is written. */
export interface LoggedRow {
  readonly predictionId: string;
  readonly endpoint: string;
  readonly entity: string | null;
  readonly eventTimeMs: number;
  readonly receivedAtMs: number;
  readonly model: string;
  readonly modelVersion: string;
  readonly routeVersion: number;
  readonly arm: PredictionArm;
  readonly bucket: number | null;
  readonly propensity: number | null;
  readonly sticky: boolean;
  /** `ok` or an error code. */
  readonly status: string;
  readonly error: string | null;
  readonly latencyUs: number;
  readonly score: number | null;
  /** JSON text of {output: value}. */
  readonly outputs: string | null;
  readonly flags: readonly RowFlag[] | null;
  readonly served: ServedModel | null;
  /** Cells in the order of the served model's inputs; null when the request could not be read so far. */
  readonly cells: readonly unknown[] | null;
}

/**
 * A row as a line of JSON. Written by hand because it is on the path of every prediction. Missing, NaN and
 * infinite features are null; lists are JSON text.
 */
export function logLine(row: LoggedRow): string {
  let line =
    `{"prediction_id":${JSON.stringify(row.predictionId)},"endpoint":${JSON.stringify(row.endpoint)}` +
    `,"event_time_ms":${row.eventTimeMs},"received_at_ms":${row.receivedAtMs}` +
    `,"model":${JSON.stringify(row.model)},"model_version":${JSON.stringify(row.modelVersion)}` +
    `,"route_version":${row.routeVersion},"arm":"${row.arm}","bucket":${row.bucket}` +
    `,"propensity":${row.propensity},"sticky":${row.sticky},"status":"${row.status}","latency_us":${row.latencyUs}`;
  if (row.entity !== null) line += `,"entity":${JSON.stringify(row.entity)}`;
  if (row.error !== null) line += `,"error":${JSON.stringify(row.error)}`;
  if (row.score !== null && Number.isFinite(row.score)) line += `,"score":${row.score}`;
  if (row.outputs !== null) line += `,"outputs":${JSON.stringify(row.outputs)}`;
  if (row.flags !== null) line += `,"flags":${JSON.stringify(JSON.stringify(row.flags))}`;
  const keys = row.served?.featureKeys;
  if (keys && row.cells) {
    for (let i = 0; i < keys.length; i++) {
      const cell = cellJson(row.cells[i]);
      if (cell !== null) line += `,${keys[i]}${cell}`;
    }
  }
  return `${line}}\n`;
}

function cellJson(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value === null || value === undefined) return null;
  return JSON.stringify(JSON.stringify(value));
}

import { numbersJson, packedList } from '../../../platform/frames/index.ts';
import { cellDimensions, isList, isNumberArray } from '../../../platform/onnx/index.ts';
import type { ServedArm } from './endpoint-state.ts';
import type { RowFlag } from './row-check.ts';

/** One row of the prediction log before it is written. */
export interface LoggedRow {
  readonly arm: ServedArm | null;
  readonly predictionId: string;
  readonly entity: string | null;
  readonly eventTimeMs: number;
  readonly receivedAtMs: number;
  readonly bucket: number | null;
  /** What decided instead of the split, if anything did. */
  readonly override: 'arm' | 'version' | null;
  /** `ok` or an error code. */
  readonly status: string;
  readonly error: string | null;
  readonly latencyUs: number;
  /** Until the first piece of an answer that came in pieces; left out for others. */
  readonly firstUs?: number | undefined;
  readonly score: number | null;
  /** JSON text of {output: value}, long lists of numbers packed. */
  readonly outputs: string | null;
  readonly flags: readonly RowFlag[] | null;
  /** 32 hex digits; undefined outside a trace. */
  readonly traceId: string | undefined;
  /** Cells in the order of the arm's inputs; null when the request could not be read so far. */
  readonly cells: readonly unknown[] | null;
}

/** Member of a row's JSON that holds the features as a list, in the order of the endpoint's feature columns. */
export const featuresMember = 'features';

/**
 * A row as a line of JSON. Written by hand because it is on the path of every prediction. Missing, NaN and
 * infinite features are null.
 *
 * @param place what the row shares with all rows of its arm, as `logPlace` gives it
 */
export function logLine(place: string, row: LoggedRow): string {
  const { arm, bucket, entity, score } = row;
  let line =
    `{"prediction_id":${JSON.stringify(row.predictionId)},${place}` +
    `,"event_time_ms":${row.eventTimeMs},"received_at_ms":${row.receivedAtMs},"status":"${row.status}"` +
    `,"latency_us":${row.latencyUs},"sticky":${bucket !== null && entity !== null}`;
  if (bucket !== null) line += `,"bucket":${bucket},"propensity":${arm?.weight ?? null}`;
  else if (row.override !== null) line += `,"override":"${row.override}"`;
  if (entity !== null) line += `,"entity":${JSON.stringify(entity)}`;
  if (row.error !== null) line += `,"error":${JSON.stringify(row.error)}`;
  if (score !== null && Number.isFinite(score)) line += `,"score":${score}`;
  if (row.outputs !== null) line += `,"outputs":${row.outputs}`;
  if (row.flags !== null) line += `,"flags":${JSON.stringify(row.flags)}`;
  if (row.firstUs !== undefined) line += `,"first_us":${row.firstUs}`;
  if (row.traceId !== undefined) line += `,"trace_id":"${row.traceId}"`;
  if (arm && row.cells) line += `,"${featuresMember}":${cellsJson(arm, row.cells)}`;
  return `${line}}\n`;
}

/** Endpoint, model, version, route, salt and arm of a row, as the middle of a line. */
export function logPlace(
  route: {
    readonly endpoint: string;
    readonly model: string;
    readonly routeVersion: number;
    readonly salt: string;
  },
  arm: string,
  modelVersion: string,
): string {
  const { endpoint, model, routeVersion, salt } = route;
  const texts = { endpoint, model, model_version: modelVersion, route_version: routeVersion, salt, arm };
  return JSON.stringify(texts).slice(1, -1);
}

function cellsJson({ featurePlaces: places, model }: ServedArm, cells: readonly unknown[]): string {
  if (!cells.some(isList)) return valueJson(placed(places, cells));
  const { inputs } = model.manifest.signature;
  const texts = cells.map((cell, i) => cellJson(cell, inputs[i]?.shape.length !== 0));
  return `[${Array.from(placed(places, texts), (text) => text ?? 'null').join(',')}]`;
}

/** @param places position of each cell among the endpoint's features; null when they are the same positions */
function placed<T>(places: readonly number[] | null, cells: readonly T[]): readonly (T | undefined)[] {
  if (!places) return cells;
  const list: (T | undefined)[] = [];
  for (const [i, place] of places.entries()) list[place] = cells[i];
  return Array.from(list);
}

/**
 * A cell as JSON.
 *
 * @param packs whether a long list of numbers may be a packed one, as a text
 */
export function cellJson(cell: unknown, packs = false): string {
  const packed = packs && isList(cell) ? packedList(cell, cellDimensions(cell)) : null;
  if (packed !== null) return `"${packed}"`;
  return isNumberArray(cell) ? numbersJson(cell, cellDimensions(cell)) : valueJson(cell);
}

function valueJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return JSON.stringify(value, (key, inner) => {
      if (typeof inner === 'bigint') return String(inner);
      // Lists too deep to be written are no values of any model.
      return key !== '' && Array.isArray(inner) && isTooDeep(inner) ? null : inner;
    });
  }
}

function isTooDeep(value: readonly unknown[], left = 100): boolean {
  return left === 0 || value.some((item) => Array.isArray(item) && isTooDeep(item, left - 1));
}

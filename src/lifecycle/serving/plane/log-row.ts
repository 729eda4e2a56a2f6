import { numbersJson, packedList } from '../../../platform/frames/index.ts';
import { cellDimensions, isList, isNumberArray } from '../../../platform/onnx/index.ts';
import { type RowBytes, valuesOf } from '../../../platform/segments/index.ts';
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

/** Member that holds the features of a row as a list, in the order of the endpoint's feature columns. */
export const featuresMember = 'features';

/** What all rows of an arm have in common, written once; see `logPlace`. */
export interface LogPlace {
  readonly endpoint: Uint8Array;
  /** Model, version, route version and arm. */
  readonly model: Uint8Array;
  readonly salt: Uint8Array;
}

/** Endpoint, model, version, route, arm and salt of a row. */
export function logPlace(
  route: {
    readonly endpoint: string;
    readonly model: string;
    readonly routeVersion: number;
    readonly salt: string;
  },
  arm: string,
  modelVersion: string,
): LogPlace {
  const { endpoint, model, routeVersion, salt } = route;
  return {
    endpoint: valuesOf([endpoint]),
    model: valuesOf([model, modelVersion, routeVersion, arm]),
    salt: valuesOf([salt]),
  };
}

/**
 * Writes a row: the values of `predictionLogColumns` in their order, then the features. It is on the path of every
 * prediction. Missing, NaN and infinite features are null.
 */
export function writeRow(to: RowBytes, place: LogPlace, row: LoggedRow): void {
  const { arm, bucket, entity } = row;
  to.text(row.predictionId);
  to.values(place.endpoint);
  textOrNull(to, entity);
  to.number(row.eventTimeMs);
  to.number(row.receivedAtMs);
  to.values(place.model);
  numberOrNull(to, bucket);
  numberOrNull(to, bucket === null ? null : (arm?.weight ?? null));
  to.boolean(bucket !== null && entity !== null);
  to.values(place.salt);
  textOrNull(to, bucket === null ? row.override : null);
  to.text(row.status);
  textOrNull(to, row.error);
  to.number(row.latencyUs);
  numberOrNull(to, row.score);
  textOrNull(to, row.outputs);
  textOrNull(to, row.flags && JSON.stringify(row.flags));
  textOrNull(to, row.traceId ?? null);
  numberOrNull(to, row.firstUs ?? null);
  if (arm && row.cells) writeCells(to, arm, row.cells);
  else to.list(0);
}

function textOrNull(to: RowBytes, value: string | null): void {
  if (value === null) to.null();
  else to.text(value);
}

function numberOrNull(to: RowBytes, value: number | null): void {
  if (value === null) to.null();
  else to.number(value);
}

function writeCells(
  to: RowBytes,
  { featurePlaces: places, model }: ServedArm,
  cells: readonly unknown[],
): void {
  if (places) {
    const placed: number[] = [];
    for (const [cell, place] of places.entries()) placed[place] = cell;
    to.list(placed.length);
    for (let i = 0; i < placed.length; i++) writeCell(to, model, cells, placed[i] ?? -1);
  } else {
    to.list(cells.length);
    for (let i = 0; i < cells.length; i++) writeCell(to, model, cells, i);
  }
}

function writeCell(to: RowBytes, model: ServedArm['model'], cells: readonly unknown[], i: number): void {
  const cell = cells[i];
  if (typeof cell === 'number') to.number(cell);
  else if (typeof cell === 'string') to.text(cell);
  else if (typeof cell === 'boolean') to.boolean(cell);
  else if (cell === null || cell === undefined) to.null();
  else if (typeof cell === 'bigint') to.text(String(cell));
  else to.text(cellText(cell, model.manifest.signature.inputs[i]?.shape.length !== 0));
}

/**
 * A cell that is a list or an object as text: JSON, or, where a long list of numbers may be packed, that.
 *
 * @param packs whether it may
 */
export function cellText(cell: unknown, packs = false): string {
  const packed = packs && isList(cell) ? packedList(cell, cellDimensions(cell)) : null;
  if (packed !== null) return packed;
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

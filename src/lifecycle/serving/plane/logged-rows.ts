import type { MillraceError } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { type EndpointState, longestEntity, longestId, type RowPlan } from './endpoint-state.ts';
import type { LoggedRow } from './log-row.ts';
import { type AnsweredRows, outputHeads, outputsJson } from './merge-outputs.ts';
import type { PredictRequest } from './request.ts';
import type { Share } from './shares.ts';

/** Error texts may quote what the caller sent. */
const longestError = 2000;

const sinceUs = (startedMs: number): number => microseconds(performance.now() - startedMs);
const microseconds = (ms: number): number => Math.round(ms * 1000);

/** The log's rows of a request that was answered, share by share. */
export function sharedRows(
  request: PredictRequest,
  plans: readonly RowPlan[],
  ids: readonly string[],
  shares: readonly Share[],
  parts: readonly AnsweredRows[],
): readonly LoggedRow[] {
  const rowsOf = (i: number) =>
    answeredRows(request, plans, ids, shares[i] as Share, parts[i] as AnsweredRows);
  return shares.length === 1 ? rowsOf(0) : shares.flatMap((_, i) => rowsOf(i));
}

/** The log's rows of a share that was answered. */
export function answeredRows(
  request: PredictRequest,
  plans: readonly RowPlan[],
  ids: readonly string[],
  { arm, rows, cells, flags }: Share,
  answered: AnsweredRows,
): LoggedRow[] {
  const { latencyMs } = answered;
  const latencyUs = latencyMs === undefined ? sinceUs(request.startedMs) : microseconds(latencyMs);
  const { receivedAtMs, traceId } = request;
  const heads = outputHeads(answered);
  return rows.map((row, i) => {
    const { entity, eventTimeMs, bucket, override } = plans[row] as RowPlan;
    return {
      arm,
      predictionId: ids[row] ?? '',
      entity,
      eventTimeMs,
      receivedAtMs,
      bucket,
      override,
      status: 'ok',
      error: null,
      latencyUs,
      score: answered.part.prediction.score?.[answered.part.from + i] ?? null,
      outputs: outputsJson(answered, i, heads),
      flags: flags[i] ?? null,
      traceId,
      cells: cells.row(i),
    };
  });
}

/**
 * The log's rows of a request that failed, with as much of them as could be read.
 *
 * @param only numbers of the rows; all unless given
 */
export function failedRows(
  state: EndpointState,
  request: PredictRequest,
  plans: readonly RowPlan[] | null,
  shares: readonly Share[],
  error: MillraceError,
  only?: readonly number[],
): LoggedRow[] {
  const latencyUs = sinceUs(request.startedMs);
  const { receivedAtMs, traceId } = request;
  const count = Math.max(1, plans?.length ?? request.predictionIds?.length ?? 1);
  return (only ?? [...Array(count).keys()]).map((row) => {
    const plan = plans?.[row] ?? null;
    const share = shares.find((s) => s.rows.includes(row));
    return {
      arm: share?.arm ?? plan?.arm ?? state.champion,
      predictionId: plan?.predictionId ?? request.predictionIds?.[row]?.slice(0, longestId) ?? uuidv7(),
      entity: plan ? plan.entity : (request.entities?.[row]?.slice(0, longestEntity) ?? null),
      eventTimeMs: plan?.eventTimeMs ?? request.eventTimesMs?.[row] ?? receivedAtMs,
      receivedAtMs,
      bucket: plan?.bucket ?? null,
      override: plan?.override ?? null,
      status: error.code,
      error: error.message.slice(0, longestError),
      latencyUs,
      score: null,
      outputs: null,
      flags: null,
      traceId,
      cells: share?.cells.row(share.rows.indexOf(row)) ?? null,
    };
  });
}

import type { MillraceError } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { EndpointState, RowPlan } from './endpoint-state.ts';
import type { LoggedRow } from './log-line.ts';
import { type AnsweredRows, outputsJson } from './merge-outputs.ts';
import type { PredictRequest } from './request.ts';
import type { Share } from './shares.ts';

const sinceUs = (startedMs: number): number => Math.round((performance.now() - startedMs) * 1000);

/** The log's rows of a share that was answered. */
export function answeredRows(
  state: EndpointState,
  request: PredictRequest,
  plans: readonly RowPlan[],
  ids: readonly string[],
  share: Share,
  { part }: AnsweredRows,
): LoggedRow[] {
  const latencyUs = sinceUs(request.startedMs);
  return share.rows.map((row, i) => ({
    ...described(state, request, plans[row] ?? null, ids[row] ?? '', share, i),
    status: 'ok',
    error: null,
    latencyUs,
    score: part.prediction.score?.[part.from + i] ?? null,
    outputs: outputsJson(part, i),
    flags: share.flags[i] ?? null,
  }));
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
  const count = Math.max(1, plans?.length ?? request.predictionIds?.length ?? 1);
  return (only ?? [...Array(count).keys()]).map((row) => {
    const plan = plans?.[row] ?? null;
    const share = shares.find((s) => s.rows.includes(row)) ?? null;
    const id = plan?.predictionId ?? request.predictionIds?.[row] ?? uuidv7();
    return {
      ...described(state, request, plan, id, share, share?.rows.indexOf(row) ?? 0),
      status: error.code,
      error: error.message,
      latencyUs,
      score: null,
      outputs: null,
      flags: null,
    };
  });
}

type Described = Omit<LoggedRow, 'status' | 'error' | 'latencyUs' | 'score' | 'outputs' | 'flags'>;

function described(
  state: EndpointState,
  request: PredictRequest,
  plan: RowPlan | null,
  predictionId: string,
  share: Share | null,
  index: number,
): Described {
  const { route, champion } = state;
  const arm = share?.arm ?? plan?.arm ?? champion;
  const bucket = plan?.bucket ?? null;
  const entity = plan ? plan.entity : (request.entities?.[0] ?? null);
  return {
    predictionId,
    endpoint: route.endpoint,
    entity,
    eventTimeMs: plan?.eventTimeMs ?? request.eventTimesMs?.[0] ?? request.receivedAtMs,
    receivedAtMs: request.receivedAtMs,
    model: route.model,
    modelVersion: arm?.modelVersion ?? '',
    routeVersion: route.routeVersion,
    arm: arm?.arm ?? 'champion',
    bucket,
    propensity: bucket === null ? null : (arm?.weight ?? null),
    sticky: bucket !== null && entity !== null,
    served: share?.arm.model ?? null,
    cells: share?.cells[index] ?? null,
  };
}

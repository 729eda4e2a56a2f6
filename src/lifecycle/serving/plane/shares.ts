import { fail, MillraceError } from '../../../core/errors.ts';
import type { RowBlock } from '../../../platform/onnx/index.ts';
import { badScore } from '../../../platform/runtimes/index.ts';
import type { GuardedArm, RecentFailures } from './arm-guard.ts';
import { bindRows } from './bind-rows.ts';
import type { EndpointState, RowPlan, ServedArm } from './endpoint-state.ts';
import { type AnsweredRows, answeredPart } from './merge-outputs.ts';
import type { PredictRequest } from './request.ts';
import type { RowFlag } from './row-check.ts';

/** The rows of a request that one arm answers, with their cells in the order of its signature. */
export interface Share {
  readonly arm: ServedArm;
  /** Row numbers in the request. */
  readonly rows: readonly number[];
  /** Who the first of them is about. */
  readonly entity: string | null;
  readonly cells: RowBlock;
  /** Flags of each row; empty until the rows were checked. */
  readonly flags: (readonly RowFlag[] | null)[];
}

/**
 * Groups rows by arm and lays out their cells. Errors: those of bindRows.
 *
 * @param only numbers of the rows to take; all unless given
 */
export function shareRows(
  state: EndpointState,
  request: PredictRequest,
  plans: readonly RowPlan[],
  only?: readonly number[],
): readonly Share[] {
  const tolerated = request.extras === 'drop' ? null : state.tolerated;
  const groups: { readonly arm: ServedArm; readonly rows: number[] }[] = [];
  const add = (row: number) => {
    const { arm } = plans[row] as RowPlan;
    for (const group of groups) if (group.arm === arm) return group.rows.push(row);
    return groups.push({ arm, rows: [row] });
  };
  if (only) only.forEach(add);
  else for (let row = 0; row < plans.length; row++) add(row);
  const shares: Share[] = [];
  for (const { arm, rows } of groups) {
    const { manifest } = arm.model;
    const all = bindRows(request.endpoint, manifest, request.tensors, request.rowCount, tolerated);
    const cells = rows.length === all.rowCount ? all : all.pick(rows);
    shares.push({ arm, rows, entity: plans[rows[0] as number]?.entity ?? null, cells, flags: [] });
  }
  return shares;
}

/** Checks every row of a share and keeps its flags. Errors: those of RowCheck. */
export function checkShare(request: PredictRequest, { arm, rows, cells, flags }: Share): void {
  const numberOf = (i: number) => (request.rowCount === 1 ? null : (rows[i] ?? null));
  for (const found of arm.model.check.checkBlock(cells, numberOf, request.endpoint)) flags.push(found);
}

/**
 * Computes a share and has it counted by the arm's guard, or as the champion's beside one. Throws `queue_full`, `inference_failed`, and
 * `output_not_finite` for a score that is not.
 */
export function predictShare(request: PredictRequest, share: Share): Promise<AnsweredRows> {
  const { guard, failures } = share.arm;
  if (guard) return guardedShare(request, share, guard);
  return failures ? countedShare(request, share, failures) : computeShare(request, share);
}

/** Some of a request's shares failed. */
export class SharesFailed extends Error {
  override readonly name = 'SharesFailed';
  /** Number of the first share that failed. */
  readonly first: number;
  /** By share: its error, or null where it was computed. */
  readonly outcomes: readonly unknown[];

  constructor(first: number, outcomes: readonly unknown[]) {
    super(`share ${first} failed`);
    this.first = first;
    this.outcomes = outcomes;
  }
}

/** Computes several shares, each with the time that it took itself. Throws SharesFailed when all of them have ended. */
export async function predictShares(
  request: PredictRequest,
  shares: readonly Share[],
): Promise<readonly AnsweredRows[]> {
  const settled = await Promise.allSettled(shares.map((share) => timedShare(request, share)));
  const answered: AnsweredRows[] = [];
  for (const outcome of settled) if (outcome.status === 'fulfilled') answered.push(outcome.value);
  if (answered.length === shares.length) return answered;
  throw new SharesFailed(
    settled.findIndex(({ status }) => status === 'rejected'),
    settled.map((outcome): unknown => (outcome.status === 'rejected' ? outcome.reason : null)),
  );
}

async function timedShare(request: PredictRequest, share: Share): Promise<AnsweredRows> {
  const answered = await predictShare(request, share);
  return { ...answered, latencyMs: performance.now() - request.startedMs };
}

async function guardedShare(request: PredictRequest, share: Share, guard: GuardedArm): Promise<AnsweredRows> {
  const underWay = guard.began(request.startedMs);
  try {
    const answered = await computeShare(request, share);
    guard.answered(underWay, performance.now());
    return answered;
  } catch (error) {
    const nowMs = performance.now();
    const code = faultOf(request, share, error);
    if (code === null) guard.left(underWay, nowMs);
    else guard.failed(underWay, nowMs, code, share.entity);
    throw error;
  }
}

async function countedShare(
  request: PredictRequest,
  share: Share,
  failures: RecentFailures,
): Promise<AnsweredRows> {
  try {
    const answered = await computeShare(request, share);
    failures.count(false);
    return answered;
  } catch (error) {
    if (faultOf(request, share, error) !== null) failures.count(true);
    throw error;
  }
}

/** Errors of a stream whose caller left, or that ended because serve stops. */
const endedByOthers: ReadonlySet<string> = new Set(['cancelled', 'stream_stopped']);

/**
 * The code of an error that is the arm's own fault; null where it is not. Nor is it where the caller has less time than
 * the endpoint takes for itself: control, which sees both arms, compares them.
 */
export function faultOf(request: PredictRequest, { arm }: Share, error: unknown): string | null {
  if (!(error instanceof MillraceError)) return 'internal';
  const { code, status } = error;
  const isHurried = code === 'deadline_exceeded' && arm.model.limitMs(request) < arm.model.limitMs({});
  return status < 500 || isHurried || endedByOthers.has(code) ? null : code;
}

async function computeShare(request: PredictRequest, { arm, rows, cells }: Share): Promise<AnsweredRows> {
  const model = arm.model.acquire();
  try {
    const part = await model.predict(cells, request);
    const { score } = part.prediction;
    for (let i = 0; score && i < rows.length; i++) {
      if (Number.isFinite(score[part.from + i])) continue;
      throw fail('output_not_finite', {
        model: model.manifest.model,
        version: arm.modelVersion,
        value: badScore(model.manifest, part.prediction, part.from + i),
        output: model.manifest.score?.output,
      });
    }
    return answeredPart(rows, part);
  } finally {
    model.release();
  }
}

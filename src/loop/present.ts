import { formatTime } from '../core/time.ts';
import type { StepRun } from '../lifecycle/pipelines/index.ts';
import type { Tx } from '../platform/db/index.ts';
import {
  type Turn,
  type TurnStep,
  type TurnSummary,
  type TurnTransition,
  turnStateSchema,
  turnTransitionSchema,
} from './contract.ts';
import { readTrigger, type TurnRecord } from './read.ts';
import type { TransitionRow, TurnRow } from './store/tables.ts';

/** A turn as lists show it. */
export async function presentSummary(tx: Tx, row: TurnRow): Promise<TurnSummary> {
  return {
    id: row.id,
    loop: row.loop,
    number: row.number,
    state: turnStateSchema.parse(row.state),
    trigger: await readTrigger(tx, row),
    loopVersion: row.loop_version,
    startedAt: formatTime(row.started_at_ms),
    startedEventTime: timeOrNull(row.started_event_ms),
    finishedAt: timeOrNull(row.finished_at_ms),
    finishedEventTime: timeOrNull(row.finished_event_ms),
    challengerVersion: row.challenger_version,
    championVersion: row.champion_version,
    reason: row.reason,
  };
}

/** A turn with everything that is known of it. */
export function presentTurn(
  summary: TurnSummary,
  { row, data, file }: TurnRecord,
  transitions: readonly TransitionRow[],
  steps: readonly StepRun[],
): Turn {
  return {
    ...summary,
    model: row.loop,
    endpoint: file.deploy.endpoint ?? row.loop,
    datasetVersionId: data.prepared?.datasetVersionId ?? null,
    runId: data.model?.runId ?? null,
    packageDigest: data.packageDigest,
    evaluationId: data.evaluationId,
    gates: data.gates,
    refit: data.refit,
    approvals: data.approvals,
    rollout: data.rollout,
    rolloutHistory: data.rolloutHistory,
    steps: steps.map(presentStep),
    transitions: transitions.map(presentTransition),
    failure: data.failure,
  };
}

function presentStep(step: StepRun): TurnStep {
  return {
    stepRunId: step.id,
    kind: step.kind,
    status: step.status,
    startedAt: step.startedAt,
    finishedAt: step.finishedAt,
    attempts: step.attempts,
    error: step.error?.message ?? null,
  };
}

function presentTransition(row: TransitionRow): TurnTransition {
  return {
    from: row.from_state === null ? null : turnStateSchema.parse(row.from_state),
    to: turnStateSchema.parse(row.to_state),
    at: formatTime(row.at_ms),
    eventTime: timeOrNull(row.event_ms),
    actor: row.actor,
    reason: row.reason,
    evidence: turnTransitionSchema.shape.evidence.parse(JSON.parse(row.evidence)),
  };
}

/** Milliseconds of the epoch as RFC 3339; null where there is no time. */
export function timeOrNull(epochMs: number | null | undefined): string | null {
  return epochMs === null || epochMs === undefined ? null : formatTime(epochMs);
}

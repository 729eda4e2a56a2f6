import { formatTime } from '../../core/time.ts';
import type { Pipelines } from '../../lifecycle/pipelines/index.ts';
import type { Actor } from '../../platform/access/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import { isEndState, type LoopEventType, type TurnState } from '../contract.ts';
import { updateLoop } from '../store/loops.ts';
import type { TurnRow } from '../store/tables.ts';
import { appendTransition, appendTurnStep, updateTurn } from '../store/turns.ts';
import type { TurnData } from '../turn-data.ts';
import { mayGo } from './transitions.ts';
import type { Decision } from './turn-context.ts';

/** Who moves a turn when no person does. */
export const loopActor: Actor = { kind: 'system', id: 'loop' };

/**
 * When something is decided: wall clock, and event time up to which all is known (undefined before a replay has
 * begun).
 */
export interface Moment {
  readonly nowMs: number;
  readonly watermarkMs: number | undefined;
}

/** A change of a turn's state, with who made it, why, and what is known after it. */
export interface Move {
  readonly to: TurnState;
  readonly actor: Actor;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly data: TurnData;
  readonly challengerVersion?: number;
  /** The loop file that the turn follows from here on. */
  readonly loopVersion?: number;
}

/**
 * Writes what was decided about a turn. Each change is one transaction with its event, audit entry and step, and
 * happens only if the turn is still as it was when the decision was taken.
 */
export class LoopWriter {
  readonly #db: Database;
  readonly #journal: Journal;
  readonly #pipelines: Pipelines;

  constructor(db: Database, journal: Journal, pipelines: Pipelines) {
    this.#db = db;
    this.#journal = journal;
    this.#pipelines = pipelines;
  }

  /** Carries out a decision. Returns whether anything changed. */
  async apply(turn: TurnRow, data: TurnData, decision: Decision, moment: Moment): Promise<boolean> {
    switch (decision.do) {
      case 'wait':
        return false;
      case 'start':
        return this.#start(turn, decision);
      case 'note':
        return this.#note(turn, data, decision, moment);
      case 'move':
        return this.#db.write((tx) =>
          this.move(tx, turn, moment, {
            to: decision.to,
            actor: loopActor,
            reason: decision.reason,
            evidence: decision.evidence ?? {},
            data: { ...data, ...decision.change },
            ...(decision.challengerVersion === undefined
              ? {}
              : { challengerVersion: decision.challengerVersion }),
          }),
        );
      case 'fail': {
        const { code, message, stepRunId } = decision;
        const failure = { state: turn.state, code, message, stepRunId };
        return this.#db.write((tx) =>
          this.move(tx, turn, moment, {
            to: 'failed',
            actor: loopActor,
            reason: message,
            evidence: failure,
            data: { ...data, failure },
          }),
        );
      }
    }
  }

  /** Moves a turn to another state, in the caller's transaction. Returns false if it has changed meanwhile. */
  async move(tx: Tx, turn: TurnRow, { nowMs, watermarkMs }: Moment, move: Move): Promise<boolean> {
    const from = turn.state;
    if (!mayGo(from, move.to)) throw new Error(`a turn may not go from ${from} to ${move.to}`);
    const ended = isEndState(move.to);
    const eventMs = watermarkMs ?? null;
    const changed = await updateTurn(tx, turn.id, turn.revision, {
      state: move.to,
      data: JSON.stringify(move.data),
      reason: move.reason,
      finished_at_ms: ended ? nowMs : null,
      finished_event_ms: ended ? eventMs : null,
      ...(move.challengerVersion === undefined ? {} : { challenger_version: move.challengerVersion }),
      ...(move.loopVersion === undefined ? {} : { loop_version: move.loopVersion }),
    });
    if (!changed) return false;
    await updateLoop(tx, turn.loop, {
      active_turn_id: ended ? null : turn.id,
      // Whatever made a champion, an experiment too, restarts the cool-down.
      ...(move.to === 'promoted' && turn.started_event_ms !== null
        ? { last_start_event_ms: turn.started_event_ms }
        : {}),
    });
    await appendTransition(tx, {
      turn_id: turn.id,
      from_state: from,
      to_state: move.to,
      at_ms: nowMs,
      event_ms: eventMs,
      actor: `${move.actor.kind}:${move.actor.id}`,
      reason: move.reason,
      evidence: JSON.stringify(move.evidence),
    });
    await this.tell(tx, turn, ended ? 'turn.finished' : 'turn.changed', move.actor, watermarkMs, {
      from,
      to: move.to,
      reason: move.reason,
    });
    return true;
  }

  /** The event and the audit entry of a change of a turn. */
  async tell(
    tx: Tx,
    turn: Pick<TurnRow, 'loop' | 'number' | 'id'>,
    type: LoopEventType,
    actor: Actor,
    eventTimeMs: number | undefined,
    change: { readonly from: TurnState | null; readonly to: TurnState; readonly reason: string },
  ): Promise<void> {
    const subject = { kind: 'turn', id: `${turn.loop}/${turn.number}` };
    const data = { turnId: turn.id, loop: turn.loop, ...change };
    await this.#journal.appendEvent(tx, { type, subject, data, eventTimeMs });
    await this.#journal.appendAudit(tx, {
      actor,
      action: `turn:${change.to}`,
      subject,
      ...(change.from === null ? {} : { before: { state: change.from } }),
      after: { state: change.to },
      reason: change.reason,
    });
  }

  async #start(turn: TurnRow, step: Extract<Decision, { do: 'start' }>): Promise<boolean> {
    return this.#db.write(async (tx) => {
      if (!(await updateTurn(tx, turn.id, turn.revision, {}))) return false;
      const stepRunId = await this.#pipelines.start(tx, {
        kind: step.kind,
        inputs: step.inputs,
        subject: `${turn.loop}/${turn.number}`,
        ...(step.timeoutMs === undefined ? {} : { timeoutMs: step.timeoutMs }),
      });
      await appendTurnStep(tx, { turn_id: turn.id, role: step.role, step_run_id: stepRunId });
      return true;
    });
  }

  async #note(
    turn: TurnRow,
    data: TurnData,
    note: Extract<Decision, { do: 'note' }>,
    { nowMs, watermarkMs }: Moment,
  ): Promise<boolean> {
    return this.#db.write(async (tx) => {
      const change = { data: JSON.stringify({ ...data, ...note.change }) };
      const reason = note.decides ? { reason: note.reason } : {};
      if (!(await updateTurn(tx, turn.id, turn.revision, { ...change, ...reason }))) return false;
      const state = turn.state;
      if (note.decides) {
        await appendTransition(tx, {
          turn_id: turn.id,
          from_state: state,
          to_state: state,
          at_ms: nowMs,
          event_ms: watermarkMs ?? null,
          actor: `${loopActor.kind}:${loopActor.id}`,
          reason: note.reason,
          evidence: JSON.stringify(note.evidence ?? {}),
        });
        const told = { from: state, to: state, reason: note.reason };
        await this.tell(tx, turn, 'turn.changed', loopActor, watermarkMs, told);
        return true;
      }
      const subject = { kind: 'turn', id: `${turn.loop}/${turn.number}` };
      const { percent = null, comparisons = [] } = note.change.rollout ?? {};
      const told = { turnId: turn.id, loop: turn.loop, reason: note.reason, at: formatTime(nowMs) };
      // What this look saw, so that the comparison can be followed as its evidence grows.
      const event = { ...told, percent, comparison: comparisons[0] ?? null };
      await this.#journal.appendEvent(tx, {
        type: 'turn.assessed',
        subject,
        data: event,
        eventTimeMs: watermarkMs,
      });
      return true;
    });
  }
}

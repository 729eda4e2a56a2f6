import { fail } from '../core/errors.ts';
import { formatTime } from '../core/time.ts';
import { type Actor, authorize } from '../platform/access/index.ts';
import type { Tx } from '../platform/db/index.ts';
import { isEndState, type TurnState } from './contract.ts';
import type { EngineDeps, LoopEngine } from './engine/loop-engine.ts';
import type { Moment } from './engine/loop-writer.ts';
import { stopSteps } from './engine/stop-steps.ts';
import { readTurn, type TurnRecord } from './read.ts';
import { abortedBy, takeTraffic } from './states/end-rollout.ts';
import { findLoop } from './store/loops.ts';
import { findTurn, turnSteps, updateTurn } from './store/turns.ts';

/** States in which the challenger may have traffic. */
const trafficStates: readonly TurnState[] = ['shadow', 'canary', 'promoting'];

/** What people decide about a turn: approve, reject, abort, retry. */
export class TurnService {
  readonly #deps: EngineDeps;
  readonly #engine: LoopEngine;

  constructor(deps: EngineDeps, engine: LoopEngine) {
    this.#deps = deps;
    this.#engine = engine;
  }

  /** Lets a waiting turn go on. Throws `turn_state` when it waits for nobody. */
  async approve(actor: Actor, id: string, reason: string): Promise<void> {
    await this.#decide(actor, id, 'approved', reason);
  }

  /** Ends a waiting turn; a challenger that has traffic loses it. Throws `turn_state`. */
  async reject(actor: Actor, id: string, reason: string): Promise<void> {
    await this.#decide(actor, id, 'rejected', reason);
  }

  /** Ends a turn at once: its steps are stopped, and the champion has all traffic again. Throws `turn_state`. */
  async abort(actor: Actor, id: string, reason: string): Promise<void> {
    authorize(actor, 'loop:write');
    await this.#exclusively(id, async (turn, moment) => {
      if (isEndState(turn.state)) throw wrongState(turn, 'abort', 'a turn that has not ended');
      const first = turn.row.champion_version === null;
      const waitsForPromotion = turn.data.approvals.at(-1)?.stage === 'promotion';
      const hasTraffic =
        !first &&
        (trafficStates.includes(turn.state) || (turn.state === 'awaiting-approval' && waitsForPromotion));
      await stopSteps(this.#deps, turn.row.id, reason);
      const { data, row, endpoint } = turn;
      const { loop: model, champion_version: championVersion, challenger_version: challengerVersion } = row;
      const { ports } = this.#deps;
      if (hasTraffic)
        await takeTraffic(
          { ports, endpoint, model, championVersion, challengerVersion },
          `${abortedBy}${actor.kind}:${actor.id}: ${reason}`,
        );
      const history = data.rollout
        ? [...data.rolloutHistory, { ...data.rollout, verdict: 'fail' as const, reason }]
        : data.rolloutHistory;
      await this.#move(turn, moment, {
        to: hasTraffic ? 'rolled-back' : 'cancelled',
        actor,
        reason: `aborted: ${reason}`,
        evidence: { rollout: data.rollout },
        data: { ...data, rollout: null, rolloutHistory: history },
      });
    });
  }

  /**
   * Goes on with a failed turn in the state that failed, by the loop file that is in force now: what was wrong has
   * been corrected there. A failed rollout begins anew. Throws `turn_state`, `loop_busy`.
   */
  async retry(actor: Actor, id: string, reason: string): Promise<void> {
    authorize(actor, 'loop:write');
    await this.#exclusively(id, async (turn, moment) => {
      const { failure } = turn.data;
      if (turn.state !== 'failed' || !failure) throw wrongState(turn, 'retry', 'a failed turn');
      const loop = await findLoop(this.#deps.db.read, turn.row.loop);
      if (loop?.active_turn_id) {
        const active = await readTurn(this.#deps.db.read, loop.active_turn_id);
        const name = `${loop.name}/${active.row.number}`;
        throw fail('loop_busy', { turn: name, loop: loop.name, state: active.state });
      }
      const steps = await turnSteps(this.#deps.db.read, turn.row.id);
      const rollout = turn.data.rollout ?? turn.data.rolloutHistory[0] ?? null;
      const again = failure.state === 'canary' ? 'shadow' : failure.state;
      const restarted =
        again === 'shadow' && rollout
          ? {
              ...rollout,
              stage: 'shadow' as const,
              step: null,
              percent: 0,
              routeVersion: null,
              assessedAt: null,
              assessedEventTime: null,
              beganEventTime: null,
              weighedEventTime: null,
              isProved: false,
              verdict: 'waiting' as const,
            }
          : turn.data.rollout;
      await this.#move(turn, moment, {
        to: again,
        actor,
        reason: `tried again: ${reason}`,
        evidence: { failure },
        ...(loop ? { loopVersion: loop.version } : {}),
        data: {
          ...turn.data,
          failure: null,
          stepsBefore: steps.length,
          rollout: restarted,
          firstRouteVersion: null,
        },
      });
    });
  }

  async #decide(actor: Actor, id: string, decision: 'approved' | 'rejected', reason: string): Promise<void> {
    authorize(actor, 'registry:approve');
    await this.#exclusively(id, async (turn, moment) => {
      const asked = turn.data.approvals.at(-1);
      if (turn.state !== 'awaiting-approval' || !asked || asked.decision !== null) {
        throw wrongState(
          turn,
          decision === 'approved' ? 'approve' : 'reject',
          'a turn that waits for a decision',
        );
      }
      const { ports, db } = this.#deps;
      const version = turn.row.challenger_version;
      if (version !== null) {
        await ports.registry.approve(actor, turn.row.loop, version, decision === 'approved', reason);
      }
      const answered = {
        ...asked,
        decision,
        by: `${actor.kind}:${actor.id}`,
        reason,
        decidedAt: formatTime(moment.nowMs),
      };
      const approvals = [...turn.data.approvals.slice(0, -1), answered];
      await db.write(async (tx) => {
        const data = JSON.stringify({ ...turn.data, approvals });
        if (!(await updateTurn(tx, turn.row.id, turn.row.revision, { data }))) throw conflict(turn);
        await this.#record(tx, turn, actor, decision, reason, moment);
      });
    });
  }

  async #record(tx: Tx, turn: TurnRecord, actor: Actor, decision: string, reason: string, moment: Moment) {
    const { journal } = this.#deps;
    const subject = { kind: 'turn', id: `${turn.row.loop}/${turn.row.number}` };
    const data = { turnId: turn.row.id, loop: turn.row.loop, decision, reason };
    await journal.appendEvent(tx, { type: 'turn.decided', subject, data, eventTimeMs: moment.watermarkMs });
    const action = decision === 'approved' ? 'turn:approve' : 'turn:reject';
    await journal.appendAudit(tx, { actor, action, subject, after: { decision }, reason });
  }

  async #move(
    turn: TurnRecord,
    moment: Moment,
    move: Parameters<LoopEngine['writer']['move']>[3],
  ): Promise<void> {
    await this.#deps.db.write(async (tx) => {
      if (!(await this.#engine.writer.move(tx, turn.row, moment, move))) throw conflict(turn);
    });
  }

  async #exclusively(
    id: string,
    work: (turn: TurnRecord & { endpoint: string }, moment: Moment) => Promise<void>,
  ) {
    const { db, watermarks, clock } = this.#deps;
    const row = await findTurn(db.read, id);
    if (!row) throw fail('not_found', { kind: 'turn', id, list: '/api/v1/turns' });
    await this.#engine.exclusively(row.loop, async () => {
      const turn = await readTurn(db.read, id);
      const endpoint = turn.file.deploy.endpoint ?? row.loop;
      const moment = { nowMs: clock.nowMs(), watermarkMs: await watermarks.get(endpoint) };
      await work({ ...turn, endpoint }, moment);
    });
  }
}

function wrongState(turn: TurnRecord, action: string, needed: string) {
  return fail('turn_state', { turn: turn.row.id, state: turn.state, action, needed });
}

function conflict(turn: TurnRecord) {
  return fail('conflict', { problem: `turn ${turn.row.id} has changed meanwhile` });
}

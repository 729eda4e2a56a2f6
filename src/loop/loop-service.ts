import { fail } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { formatTime } from '../core/time.ts';
import { type Actor, authorize, systemActor } from '../platform/access/index.ts';
import type { BlobStore } from '../platform/blobs/index.ts';
import { checkLoop, putLoop } from './apply.ts';
import {
  type ApplyLoop,
  type ApplyResult,
  type Loop,
  type LoopVersion,
  type TriggerInput,
  type Turn,
  type TurnSummary,
  triggerInputSchema,
} from './contract.ts';
import type { EngineDeps, LoopEngine } from './engine/loop-engine.ts';
import { presentSummary, presentTurn, timeOrNull } from './present.ts';
import { readLoop, readTurn, toTrigger } from './read.ts';
import {
  findLoop,
  insertTrigger,
  listLoops,
  listLoopVersions,
  updateLoop,
  waitingTriggers,
} from './store/loops.ts';
import type { LoopRow } from './store/tables.ts';
import { findTurn, findTurnByNumber, listTurns, transitionsOf, turnSteps } from './store/turns.ts';
import { chooseTrigger, cooldownUntilMs } from './triggers/choose-trigger.ts';

/** Loops as people and programs handle them: apply, look, trigger, pause. Turns are in `TurnService`. */
export class LoopService {
  readonly #deps: EngineDeps;
  readonly #engine: LoopEngine;
  readonly #blobs: BlobStore;

  constructor(deps: EngineDeps, engine: LoopEngine, blobs: BlobStore) {
    this.#deps = deps;
    this.#engine = engine;
    this.#blobs = blobs;
  }

  /**
   * Puts a loop file in force. The same again changes nothing. A turn under way goes on by the file that it began
   * with. Throws `loop_file_invalid`, `loop_blob_missing`, `not_found`; `rollout_under_way` and `loop_busy` where the
   * endpoint would get a second owner, or a turn under way lose its own.
   */
  async apply(actor: Actor, given: ApplyLoop): Promise<ApplyResult> {
    authorize(actor, 'loop:write');
    const checked = await checkLoop(this.#deps, this.#blobs, given);
    const name = checked.file.loop;
    const outcome = await this.#engine.exclusively(name, async () => {
      const { ports } = this.#deps;
      const champion = await ports.registry.champion(name);
      await ports.serving.declare(checked.endpoint, name);
      await ports.monitoring.configure(checked.endpoint, checked.file);
      return this.#deps.db.write((tx) => putLoop(tx, this.#deps, actor, checked, champion !== undefined));
    });
    return { loop: await this.get(actor, name), outcome };
  }

  /** Throws `not_found`. */
  async get(actor: Actor, name: string): Promise<Loop> {
    authorize(actor, 'read');
    return this.#present(await this.#known(name));
  }

  async list(actor: Actor, limit: number, afterName?: string): Promise<readonly Loop[]> {
    authorize(actor, 'read');
    const rows = await listLoops(this.#deps.db.read, limit, afterName);
    return Promise.all(rows.map((row) => this.#present(row)));
  }

  /** The versions of a loop file, newest first. */
  async versions(
    actor: Actor,
    name: string,
    limit: number,
    before?: number,
  ): Promise<readonly LoopVersion[]> {
    authorize(actor, 'read');
    await this.#known(name);
    const rows = await listLoopVersions(this.#deps.db.read, name, limit, before);
    return rows.map((row) => ({
      version: row.version,
      text: row.text,
      digest: row.digest,
      appliedAt: formatTime(row.applied_at_ms),
      appliedBy: row.applied_by,
    }));
  }

  /** Asks for a turn now. While one is under way it waits for its end. Throws `loop_trigger_refused`. */
  async trigger(actor: Actor, name: string, given: TriggerInput): Promise<Loop> {
    authorize(actor, 'loop:write');
    const { reason, overrides } = triggerInputSchema.parse(given);
    const { file } = await readLoop(this.#deps.db.read, await this.#known(name));
    if (!file.improve.retrain.on.includes('manual')) throw fail('loop_trigger_refused', { loop: name });
    if (overrides.datasetVersion !== undefined) {
      const { data } = file;
      const columns = [{ name: data.time }, { name: data.label.column }];
      await this.#deps.ports.data.requireFit(overrides.datasetVersion, `loop ${name}`, columns);
    }
    const watermarkMs = await this.#deps.watermarks.get((await this.#known(name)).endpoint);
    await this.#engine.exclusively(name, () =>
      this.#deps.db.write(async (tx) => {
        const nowMs = this.#deps.clock.nowMs();
        const id = uuidv7(nowMs);
        await insertTrigger(tx, {
          id,
          loop: name,
          source: `manual/${id}`,
          cause: 'manual',
          reason,
          requested_by: `${actor.kind}:${actor.id}`,
          overrides: JSON.stringify(overrides),
          at_ms: nowMs,
          event_ms: watermarkMs ?? null,
          turn_id: null,
        });
        const subject = { kind: 'loop', id: name };
        const data = { cause: 'manual', reason };
        const { journal } = this.#deps;
        await journal.appendEvent(tx, { type: 'loop.triggered', subject, data, eventTimeMs: watermarkMs });
        await journal.appendAudit(tx, {
          actor,
          action: 'loop:trigger',
          subject,
          after: { overrides },
          reason,
        });
      }),
    );
    return this.get(actor, name);
  }

  /** Holds a loop: no turn starts, none goes on; harm of a rollout is still acted on. */
  async pause(actor: Actor, name: string, reason: string): Promise<Loop> {
    return this.#setState(actor, name, 'paused', reason);
  }

  async resume(actor: Actor, name: string, reason: string): Promise<Loop> {
    return this.#setState(actor, name, 'active', reason);
  }

  async #setState(actor: Actor, name: string, state: 'active' | 'paused', reason: string): Promise<Loop> {
    authorize(actor, 'loop:write');
    await this.#known(name);
    await this.#engine.exclusively(name, () =>
      this.#deps.db.write(async (tx) => {
        const before = await findLoop(tx, name);
        if (!before || before.state === state) return;
        await updateLoop(tx, name, { state });
        const subject = { kind: 'loop', id: name };
        const type = state === 'paused' ? 'loop.paused' : 'loop.resumed';
        const action = state === 'paused' ? 'loop:pause' : 'loop:resume';
        const { journal } = this.#deps;
        await journal.appendEvent(tx, { type, subject, data: { reason } });
        const change = { before: { state: before.state }, after: { state } };
        await journal.appendAudit(tx, { actor, action, subject, ...change, reason });
      }),
    );
    return this.get(actor, name);
  }

  async turns(
    actor: Actor,
    filter: {
      readonly loop?: string | undefined;
      readonly beforeId?: string | undefined;
      readonly limit: number;
    },
  ): Promise<readonly TurnSummary[]> {
    authorize(actor, 'read');
    const rows = await listTurns(this.#deps.db.read, filter);
    return Promise.all(rows.map((row) => presentSummary(this.#deps.db.read, row)));
  }

  /** A turn by its id, or by `<loop>/<number>`. Throws `not_found`. */
  async turn(actor: Actor, id: string): Promise<Turn> {
    authorize(actor, 'read');
    const { db, pipelines } = this.#deps;
    const [loop, number] = id.split('/');
    const found = /^\d{1,9}$/.test(number ?? '')
      ? await findTurnByNumber(db.read, loop ?? '', Number(number))
      : await findTurn(db.read, id);
    if (!found) throw fail('not_found', { kind: 'turn', id, list: '/api/v1/turns' });
    const record = await readTurn(db.read, found.id);
    const steps = await turnSteps(db.read, found.id);
    return presentTurn(
      await presentSummary(db.read, found),
      record,
      await transitionsOf(db.read, found.id),
      await Promise.all(steps.map((step) => pipelines.get(systemActor, step.step_run_id))),
    );
  }

  async #known(name: string): Promise<LoopRow> {
    const row = await findLoop(this.#deps.db.read, name);
    if (!row) throw fail('not_found', { kind: 'loop', id: name, list: '/api/v1/loops' });
    return row;
  }

  async #present(known: LoopRow): Promise<Loop> {
    const { db, ports, watermarks } = this.#deps;
    // Before anything is read: what is read then is at least as new as the claim to be idle.
    const standing = this.#engine.standing(known.name);
    const row = await this.#known(known.name);
    const { version, file } = await readLoop(db.read, row);
    const watermarkMs = await watermarks.get(row.endpoint);
    const [last] = await listTurns(db.read, { loop: row.name, limit: 1 });
    const active = row.active_turn_id === null ? undefined : await findTurn(db.read, row.active_turn_id);
    const waiting = await waitingTriggers(db.read, row.name);
    const { waitsFor } = chooseTrigger(waiting, row, file, watermarkMs, active?.number);
    const { mode } = await watermarks.describe(systemActor, row.endpoint);
    const seen = mode === 'live' || standing.watermarkMs === watermarkMs;
    const pending = [...standing.pending];
    if (!seen) {
      pending.push({ kind: 'events', what: 'the watermark has moved' });
      // One that failed a moment ago is looked at again by the clock, not by every reader.
      if (standing.settled) this.#engine.wake(row.name);
    }
    return {
      name: row.name,
      version: row.version,
      state: row.state,
      endpoint: row.endpoint,
      model: row.name,
      file,
      text: version.text,
      appliedAt: formatTime(version.applied_at_ms),
      appliedBy: version.applied_by,
      createdAt: formatTime(row.created_at_ms),
      datasetVersionId: row.dataset_version_id,
      championVersion: (await ports.registry.champion(row.name))?.version ?? null,
      activeTurn: active ? await presentSummary(db.read, active) : null,
      lastTurn: last && last.id !== row.active_turn_id ? await presentSummary(db.read, last) : null,
      waitingTriggers: waiting.map((trigger) => toTrigger(trigger, waitsFor.get(trigger.id) ?? null)),
      cooldownUntil: timeOrNull(cooldownUntilMs(row, file, watermarkMs)),
      watermark: timeOrNull(watermarkMs),
      idle: !standing.busy && pending.length === 0,
      pending,
      waitsFor: standing.what,
    };
  }
}

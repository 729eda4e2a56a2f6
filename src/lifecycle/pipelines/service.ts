import { fail } from '../../core/errors.ts';
import { parseInput } from '../../core/schema.ts';
import { type Clock, formatTime, wallClock } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import { type FinishedJob, type Jobs, jobLogsTopic, type StoredLogLine } from '../../platform/jobs/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import type { StepKind } from '../../platform/registries/index.ts';
import {
  type StepError,
  type StepEventType,
  type StepLogLine,
  type StepRun,
  type StepRunQuery,
  stepRunSchema,
} from './contract.ts';
import * as store from './store.ts';

/** A step to be run. */
export interface NewStep {
  readonly kind: string;
  readonly inputs: unknown;
  /** What the step works on, e.g. `flight-delay/3`. */
  readonly subject: string;
  /** Starting a second step with the same key does nothing and returns the first one's id. */
  readonly key?: string;
  readonly timeoutMs?: number;
}

const followBatch = 500;

/** Starts steps, records how they ended, and tells about them. The work itself is done by a `StepRunner`. */
export class Pipelines {
  readonly #db: Database;
  readonly #journal: Journal;
  readonly #jobs: Jobs;
  readonly #clock: Clock;
  readonly #kinds: ReadonlyMap<string, StepKind>;

  constructor(deps: {
    readonly db: Database;
    readonly journal: Journal;
    readonly jobs: Jobs;
    readonly kinds: readonly StepKind[];
    readonly clock?: Clock;
  }) {
    this.#db = deps.db;
    this.#journal = deps.journal;
    this.#jobs = deps.jobs;
    this.#clock = deps.clock ?? wallClock;
    this.#kinds = new Map(deps.kinds.map((kind) => [kind.kind, kind]));
    for (const kind of deps.kinds) this.#jobs.onFinished(kind.kind, (tx, job) => this.#finished(tx, job));
  }

  /** Enqueues a step in the caller's transaction: it will run if and only if that transaction lasts. */
  async start(tx: Tx, step: NewStep): Promise<string> {
    const kind = this.#kinds.get(step.kind);
    if (!kind)
      throw fail('step_kind_unknown', { kind: step.kind, known: [...this.#kinds.keys()].join(', ') });
    const inputs = parseInput(kind.inputs, step.inputs, `inputs of step ${step.kind}`);
    const timeoutMs = step.timeoutMs ?? kind.timeoutMs;
    const id = await this.#jobs.enqueue(tx, {
      kind: step.kind,
      payload: { subject: step.subject, inputs },
      ...(step.key === undefined ? {} : { key: step.key }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    const inserted = await store.insertStepRun(tx, {
      id,
      kind: step.kind,
      subject: step.subject,
      place: kind.place,
      status: 'queued',
      inputs: JSON.stringify(inputs),
      outputs: null,
      error: null,
      attempts: 0,
      created_at_ms: this.#clock.nowMs(),
      started_at_ms: null,
      finished_at_ms: null,
    });
    if (inserted) await this.#event(tx, 'step.queued', id, step.kind, step.subject, 'queued');
    return id;
  }

  async get(actor: Actor, id: string): Promise<StepRun> {
    authorize(actor, 'read');
    const row = await store.findStepRun(this.#db.read, id);
    if (!row) throw fail('not_found', { kind: 'step run', id, list: '/api/v1/step-runs' });
    return this.#toStepRun(row);
  }

  /** Step runs, newest first; with status `running` or `queued` a page may hold fewer than its limit. */
  async list(
    actor: Actor,
    query: Omit<StepRunQuery, 'after'> & { readonly afterId?: string | undefined },
  ): Promise<readonly StepRun[]> {
    authorize(actor, 'read');
    const { status } = query;
    const open = status === 'queued' || status === 'running';
    const rows = await store.listStepRuns(this.#db.read, { ...query, status: open ? 'queued' : status });
    const items = await Promise.all(rows.map((row) => this.#toStepRun(row)));
    return open ? items.filter((item) => item.status === status) : items;
  }

  /** Lines of a step's log after a line number, also while it runs. */
  async logs(actor: Actor, id: string, after: number, limit: number): Promise<readonly StepLogLine[]> {
    authorize(actor, 'read');
    return (await this.#jobs.logs(id, after, limit)).map(toLogLine);
  }

  /** Lines of a step's log as they come, until the step has ended. */
  async *followLogs(
    actor: Actor,
    id: string,
    after: number,
    signal: AbortSignal,
  ): AsyncIterable<StepLogLine> {
    let last = after;
    while (!signal.aborted) {
      const changed = this.#nextChange(signal);
      const { status } = await this.get(actor, id);
      let lines: readonly StepLogLine[];
      do {
        lines = await this.logs(actor, id, last, followBatch);
        yield* lines;
        last = lines.at(-1)?.number ?? last;
      } while (lines.length === followBatch);
      if (status !== 'queued' && status !== 'running') return changed.dispose();
      await changed.happened;
    }
  }

  /** Stops a step: at once while it waits, with its next heartbeat while it runs. Ended steps stay as they are. */
  async cancel(actor: Actor, id: string, reason: string): Promise<StepRun> {
    authorize(actor, 'pipelines:write');
    await this.#db.write(async (tx) => {
      const row = await store.findStepRun(tx, id);
      if (!row) throw fail('not_found', { kind: 'step run', id, list: '/api/v1/step-runs' });
      if (row.status !== 'queued') return;
      await this.#jobs.cancel(tx, id, reason);
      const subject = { kind: 'step-run', id };
      await this.#journal.appendAudit(tx, { actor, action: 'step-run:cancel', subject, reason });
    });
    return this.get(actor, id);
  }

  /** Stops a step in the caller's transaction; the caller writes the audit entry. */
  async cancelIn(tx: Tx, id: string, reason: string): Promise<void> {
    const row = await store.findStepRun(tx, id);
    if (row?.status === 'queued') await this.#jobs.cancel(tx, id, reason);
  }

  /** Removes a step that has ended, with its log, in the caller's transaction; the caller writes the audit entry. */
  async removeIn(tx: Tx, id: string): Promise<void> {
    await this.#jobs.remove(tx, id);
    await store.deleteStepRun(tx, id);
  }

  /** Whether a step runs and nobody has asked to stop it; if so, that stays so until the transaction is over. */
  holdRunning(tx: Tx, id: string): Promise<boolean> {
    return this.#jobs.holdRunning(tx, id);
  }

  /** Puts other outputs in the place of those that a step has ended with. */
  async putOutputs(tx: Tx, id: string, outputs: unknown): Promise<void> {
    await store.putOutputs(tx, id, JSON.stringify(outputs));
    await this.#jobs.putResult(tx, id, outputs);
  }

  /** Tells that a running step has kept something that its next attempt goes on from. */
  noteProgress(tx: Tx, id: string): Promise<void> {
    return this.#jobs.noteProgress(tx, id);
  }

  #nextChange(signal: AbortSignal): { readonly happened: Promise<void>; dispose(): void } {
    let stop = () => {};
    const happened = new Promise<void>((resolve) => {
      stop = this.#db.onSignal(jobLogsTopic, resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    void happened.then(() => stop());
    return { happened, dispose: () => stop() };
  }

  async #finished(tx: Tx, job: FinishedJob): Promise<void> {
    const row = await store.findStepRun(tx, job.id);
    if (!row) return;
    const ended = this.#outcome(job);
    const recorded = await store.finishStepRun(tx, job.id, {
      status: ended.status,
      outputs: ended.outputs === undefined ? null : JSON.stringify(ended.outputs),
      error: ended.error ? JSON.stringify(ended.error) : null,
      attempts: job.attempt,
      started_at_ms: job.startedAtMs,
      finished_at_ms: job.finishedAtMs,
    });
    if (recorded) await this.#event(tx, 'step.finished', job.id, job.kind, row.subject, ended.status);
  }

  #outcome(job: FinishedJob): {
    readonly status: 'succeeded' | 'failed' | 'cancelled';
    readonly outputs?: unknown;
    readonly error?: StepError;
  } {
    if (job.status !== 'done') {
      const { code, message, next } = job.error ?? { code: 'internal', message: 'no reason was given' };
      return {
        status: job.status,
        error: {
          code,
          message,
          next: next ?? 'Read the log of the step, correct the cause and start it again.',
        },
      };
    }
    const parsed = this.#kinds.get(job.kind)?.outputs.safeParse(job.result);
    if (parsed?.success) return { status: 'succeeded', outputs: parsed.data };
    const problem = parsed?.error.issues[0]?.message ?? 'the kind is not known any more';
    const error = fail('step_output_invalid', { kind: job.kind, problem });
    return { status: 'failed', error: { code: error.code, message: error.message, next: error.next } };
  }

  async #event(
    tx: Tx,
    type: StepEventType,
    id: string,
    kind: string,
    of: string,
    status: string,
  ): Promise<void> {
    const data = { kind, subject: of, status };
    await this.#journal.appendEvent(tx, { type, subject: { kind: 'step-run', id }, data });
  }

  async #toStepRun(row: store.StepRunRow): Promise<StepRun> {
    const job = row.status === 'queued' ? await this.#jobs.get(row.id) : undefined;
    const startedAt = job ? job.startedAt : row.started_at_ms === null ? null : formatTime(row.started_at_ms);
    const lasted =
      row.started_at_ms === null || row.finished_at_ms === null
        ? null
        : row.finished_at_ms - row.started_at_ms;
    return {
      id: row.id,
      kind: row.kind,
      subject: row.subject,
      place: row.place,
      status: job?.status === 'leased' ? 'running' : row.status,
      inputs: stepRunSchema.shape.inputs.parse(JSON.parse(row.inputs)),
      outputs: stepRunSchema.shape.outputs.parse(JSON.parse(row.outputs ?? 'null')),
      error: stepRunSchema.shape.error.parse(JSON.parse(row.error ?? 'null')),
      attempts: job?.attempt ?? row.attempts,
      createdAt: formatTime(row.created_at_ms),
      startedAt,
      finishedAt: row.finished_at_ms === null ? null : formatTime(row.finished_at_ms),
      durationMs: lasted,
    };
  }
}

function toLogLine(line: StoredLogLine): StepLogLine {
  return { number: line.seq, attempt: line.attempt, at: line.at, stream: line.stream, text: line.line };
}

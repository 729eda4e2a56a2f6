import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { type Clock, formatTime, longestTimerMs, wallClock } from '../../core/time.ts';
import type { Database, Tx } from '../db/index.ts';
import type { Logger } from '../log/index.ts';
import { Recurring } from '../recurring/index.ts';
import {
  type JobError,
  type JobResource,
  jobError,
  type LeasedJob,
  type LogLine,
  type StoredLogLine,
} from './contract.ts';
import * as store from './store.ts';

/** The topic signalled when a job may be leased, and when one ends. */
const waitingTopic = 'jobs-waiting';
/** The topic signalled when somebody asks to stop a job. */
const cancelTopic = 'jobs-cancel';
/** The topic signalled when a job has new log lines. */
export const jobLogsTopic = 'job-logs';

const leaseMs = 15_000;
const sweepMs = 1_000;
/** A job that loses this many workers probably kills them. */
const maxLostAttempts = 10;
const firstRetryMs = 1_000;
const longestRetryMs = 300_000;
const longestWaitMs = 86_400_000;
/** When a job that has not failed may be leased: whatever the clock says then, or said before it was put right. */
const atOnce = 0;
const longestLine = 16_000;
const defaultTimeoutMs = 3_600_000;

/** A job to be queued. */
export interface NewJob {
  readonly kind: string;
  readonly payload: unknown;
  /** Enqueuing a second job with the same key does nothing and returns the first one's id. */
  readonly key?: string;
  /** Attempts that may report an error before the job has failed for good. Default 3. */
  readonly maxFailures?: number;
  /** Not before this time, which is at most a day from now. */
  readonly availableAtMs?: number;
  /** An attempt that runs longer is stopped. Default 1 h. */
  readonly timeoutMs?: number;
}

/** How a job ended. Handed to the kind's `onFinished` in the transaction that records the end. */
export interface FinishedJob {
  readonly id: string;
  readonly kind: string;
  readonly status: 'done' | 'failed' | 'cancelled';
  readonly payload: unknown;
  readonly result: unknown;
  readonly error: JobError | null;
  readonly attempt: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number;
}

/** Records what follows from the end of a job, in the transaction that records the end itself. */
export type FinishedHandler = (tx: Tx, job: FinishedJob) => Promise<void>;

/**
 * The durable queue. A job is run at least once and its result is recorded exactly once: an attempt holds a
 * lease that heartbeats extend, a lease that runs out puts the job back, and only the attempt that holds the
 * lease may record a result, together with whatever the kind's `onFinished` handler writes.
 */
export class Jobs {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #handlers = new Map<string, FinishedHandler>();
  readonly #sweeps = new Recurring();
  /** Since when heartbeats could be heard without a break, and when that was looked at last. */
  #hearsSinceMs = Number.POSITIVE_INFINITY;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(db: Database, clock: Clock = wallClock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Starts putting jobs back whose worker fell silent. */
  start(log: Logger): void {
    const doing = 'putting back jobs whose worker fell silent';
    this.#sweeps.start({ everyMs: sweepMs, doing, run: () => this.sweepWhatCouldBeHeard(), log });
  }

  stop(): void {
    this.#sweeps.stop();
  }

  /** Registers what is written when a job of this kind ends. One handler per kind. */
  onFinished(kind: string, handler: FinishedHandler): void {
    this.#handlers.set(kind, handler);
  }

  async enqueue(tx: Tx, job: NewJob): Promise<string> {
    const nowMs = this.#clock.nowMs();
    const id = await store.insertJob(tx, {
      id: uuidv7(nowMs),
      kind: job.kind,
      unique_key: job.key ?? null,
      payload: JSON.stringify(job.payload),
      status: 'queued',
      attempt: 0,
      failures: 0,
      max_failures: job.maxFailures ?? 3,
      lost_before: 0,
      timeout_ms: job.timeoutMs ?? defaultTimeoutMs,
      available_at_ms: job.availableAtMs ?? atOnce,
      lease_owner: null,
      lease_until_ms: null,
      token_digest: null,
      cancel_reason: null,
      result: null,
      error: null,
      created_at_ms: nowMs,
      started_at_ms: null,
      finished_at_ms: null,
    });
    this.#db.signal(waitingTopic);
    return id;
  }

  /**
   * Leases a job of one of the kinds; waits up to `waitMs` for one, and is woken the moment that one is there.
   *
   * @param worker a worker's lasting name and, after a slash, this start of it (`local/0192…`)
   */
  async lease(
    worker: string,
    kinds: readonly string[],
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<LeasedJob | undefined> {
    const deadlineMs = performance.now() + waitMs;
    for (;;) {
      const woken = this.#wakeUp();
      try {
        const leased = await this.#tryLease(worker, kinds);
        if (leased) return leased;
        const remainingMs = deadlineMs - performance.now();
        if (remainingMs <= 0 || signal?.aborted) return undefined;
        const nextMs = (await store.nextAvailableAtMs(this.#db.read, kinds)) ?? Number.POSITIVE_INFINITY;
        await woken.wait(Math.max(1, Math.min(remainingMs, nextMs - this.#clock.nowMs())), signal);
      } finally {
        woken.dispose();
      }
    }
  }

  /** Releases at once what an earlier start of the same worker still held (it was killed). */
  async workerStarted(worker: string): Promise<void> {
    const name = worker.split('/')[0];
    await this.#db.write(async (tx) => {
      const owners = await store.leaseOwners(tx);
      const gone = owners.filter((owner) => owner !== worker && owner.split('/')[0] === name);
      for (const row of await store.leasedBy(tx, gone))
        await this.#putBack(tx, row, `worker ${name} started again`);
    });
  }

  /** Keeps the lease. Throws `lease_lost` when it is gone. */
  async heartbeat(id: string, attempt: number): Promise<{ readonly cancelReason: string | null }> {
    const change = { lease_until_ms: this.#clock.nowMs() + leaseMs };
    const row = await this.#db.write((tx) => store.updateLeased(tx, id, attempt, change));
    if (!row) throw fail('lease_lost', { id, attempt });
    return { cancelReason: row.cancel_reason };
  }

  async appendLogs(id: string, attempt: number, lines: readonly LogLine[]): Promise<void> {
    const cut = lines.map((l) =>
      l.line.length > longestLine ? { ...l, line: `${l.line.slice(0, longestLine)}…` } : l,
    );
    await this.#db.write(async (tx) => {
      await store.insertLogs(tx, id, attempt, this.#clock.nowMs(), cut);
      this.#db.signal(jobLogsTopic);
    });
  }

  /** Records the result, once. Throws `lease_lost` when another attempt has taken over. */
  async complete(id: string, attempt: number, result: unknown): Promise<void> {
    await this.#finish(id, attempt, { status: 'done', result: JSON.stringify(result ?? null), error: null });
  }

  /** Reports an error of this attempt. It is tried again with back-off unless `retryable` is false. */
  async fail(id: string, attempt: number, error: JobError, retryable: boolean): Promise<void> {
    const ended = await this.#db.write(async (tx) => {
      const row = await store.findJob(tx, id);
      if (!row || row.attempt !== attempt || row.status !== 'leased') return row?.status !== 'leased';
      const failures = row.failures + 1;
      if (!retryable || failures >= row.max_failures || row.cancel_reason !== null) {
        await this.#end(tx, row, row.cancel_reason === null ? 'failed' : 'cancelled', {
          failures,
          error: row.cancel_reason === null ? error : cancelled(row.cancel_reason),
        });
        return true;
      }
      const waitMs = Math.min(longestRetryMs, firstRetryMs * 4 ** (failures - 1));
      const note = `${error.message} (tried again in ${waitMs / 1000} s)`;
      await store.insertLogs(tx, id, attempt, this.#clock.nowMs(), [{ stream: 'system', line: note }]);
      await store.updateLeased(tx, id, attempt, {
        ...released,
        failures,
        error: JSON.stringify(error),
        available_at_ms: this.#clock.nowMs() + waitMs,
      });
      this.#db.signal(waitingTopic);
      return true;
    });
    if (!ended) throw fail('lease_lost', { id, attempt });
  }

  /** Cancels in a transaction: a waiting job ends at once; one that a worker runs is told with its next heartbeat. */
  async cancel(tx: Tx, id: string, reason: string): Promise<void> {
    const row = await store.findJob(tx, id);
    if (!row) throw fail('not_found', { kind: 'job', id, list: '/api/v1/jobs' });
    if (row.status === 'queued') await this.#end(tx, row, 'cancelled', { error: cancelled(reason) });
    else if (row.status === 'leased') {
      await store.updateLeased(tx, id, row.attempt, { cancel_reason: reason });
      this.#db.signal(cancelTopic);
    }
  }

  /** Has a runner of this process look at once whether a job of its own is to stop. Returns how to end that. */
  onCancel(listener: () => void): () => void {
    return this.#db.onSignal(cancelTopic, listener);
  }

  /**
   * The same as `sweep` once heartbeats could be heard for the length of a lease: while this process was not there, stood
   * still, or its clock leapt, the silence was not the workers'.
   */
  async sweepWhatCouldBeHeard(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    if (Math.abs(nowMs - this.#lookedAtMs) > leaseMs / 3) this.#hearsSinceMs = nowMs;
    this.#lookedAtMs = nowMs;
    if (nowMs - this.#hearsSinceMs >= leaseMs) await this.sweep();
  }

  /** Puts back (or ends) every job whose lease has run out. */
  async sweep(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    // Later than any heartbeat of now could put it: of before the clock was put back.
    const latestMs = nowMs + 2 * leaseMs;
    if ((await store.runOutJobs(this.#db.read, nowMs, latestMs)).length === 0) return;
    await this.#db.write(async (tx) => {
      for (const row of await store.runOutJobs(tx, nowMs, latestMs))
        await this.#putBack(tx, row, 'its worker fell silent');
    });
  }

  async get(id: string): Promise<JobResource> {
    const row = await store.findJob(this.#db.read, id);
    if (!row) throw fail('not_found', { kind: 'job', id, list: '/api/v1/jobs' });
    return toResource(row);
  }

  /** Whether a job runs and nobody has asked to stop it; if so, that stays so until the transaction is over. */
  async holdRunning(tx: Tx, id: string): Promise<boolean> {
    return store.holdRunning(tx, id);
  }

  /** Removes a job that has ended, with its log. Throws `conflict` for one that waits or runs; one that is gone stays so. */
  async remove(tx: Tx, id: string): Promise<void> {
    const row = await store.findJob(tx, id);
    if (row && toResource(row).finishedAt === null)
      throw fail('conflict', { problem: `job ${id} is ${row.status}: cancel it first` });
    await store.deleteJob(tx, id);
  }

  /** Puts another result in the place of that of a job that is done. */
  async putResult(tx: Tx, id: string, result: unknown): Promise<void> {
    await store.putResult(tx, id, JSON.stringify(result));
  }

  /** Tells that a running job has got on: workers that were lost before are not held against it. */
  async noteProgress(tx: Tx, id: string): Promise<void> {
    await store.noteProgress(tx, id);
  }

  /** Whether a job waits or runs; false also for one that is not known. */
  async isOpen(id: string): Promise<boolean> {
    const row = await store.findJob(this.#db.read, id);
    return row !== undefined && toResource(row).finishedAt === null;
  }

  async list(filter: store.JobFilter): Promise<readonly JobResource[]> {
    return (await store.listJobs(this.#db.read, filter)).map(toResource);
  }

  async counts(): Promise<ReadonlyMap<string, number>> {
    return store.countJobs(this.#db.read);
  }

  async logs(id: string, afterSeq: number, limit: number): Promise<readonly StoredLogLine[]> {
    const rows = await store.logsAfter(this.#db.read, id, afterSeq, limit);
    return rows.map((row) => ({
      seq: row.seq,
      attempt: row.attempt,
      at: formatTime(row.at_ms),
      stream: row.stream,
      line: row.line,
    }));
  }

  /** The running job that a bearer token belongs to. */
  async byToken(token: string): Promise<string | undefined> {
    if (!store.isJobToken(token)) return undefined;
    return (await store.findJobByToken(this.#db.read, token))?.id;
  }

  async #tryLease(worker: string, kinds: readonly string[]): Promise<LeasedJob | undefined> {
    if (kinds.length === 0) return undefined;
    const nowMs = this.#clock.nowMs();
    const nextMs = await store.nextAvailableAtMs(this.#db.read, kinds);
    const latestMs = nowMs + longestWaitMs;
    if (nextMs === undefined || (nextMs > nowMs && nextMs <= latestMs)) return undefined;
    const token = store.newToken();
    const row = await this.#db.write((tx) =>
      store.leaseNext(this.#db, tx, {
        kinds,
        owner: worker,
        nowMs,
        latestMs,
        leaseUntilMs: nowMs + leaseMs,
        tokenDigest: store.tokenDigest(token),
      }),
    );
    if (!row) return undefined;
    const { id, kind, attempt, timeout_ms: timeoutMs } = row;
    return { id, kind, attempt, payload: JSON.parse(row.payload), timeoutMs, leaseMs, token };
  }

  async #finish(
    id: string,
    attempt: number,
    change: { status: 'done'; result: string; error: null },
  ): Promise<void> {
    const held = await this.#db.write(async (tx) => {
      const row = await store.findJob(tx, id);
      if (row?.attempt !== attempt) return false;
      // The reply to an earlier, equal request may have been lost on its way.
      if (row.status !== 'leased') return row.status === 'done';
      await this.#end(tx, row, 'done', { result: change.result });
      return true;
    });
    if (!held) throw fail('lease_lost', { id, attempt });
  }

  async #putBack(tx: Tx, row: store.JobRow, why: string): Promise<void> {
    if (row.cancel_reason !== null) {
      await this.#end(tx, row, 'cancelled', { error: cancelled(row.cancel_reason) });
      return;
    }
    if (row.attempt - row.failures - row.lost_before >= maxLostAttempts) {
      const message = `${maxLostAttempts} workers were lost while running it, one after the other, and none got on with it`;
      await this.#end(tx, row, 'failed', { error: { code: 'workers_lost', message } });
      return;
    }
    const line = `attempt ${row.attempt} was lost: ${why}; the job is run again`;
    await store.insertLogs(tx, row.id, row.attempt, this.#clock.nowMs(), [{ stream: 'system', line }]);
    await store.updateLeased(tx, row.id, row.attempt, { ...released, available_at_ms: atOnce });
    this.#db.signal(waitingTopic);
  }

  async #end(
    tx: Tx,
    row: store.JobRow,
    status: FinishedJob['status'],
    with_: { readonly result?: string; readonly error?: JobError; readonly failures?: number },
  ): Promise<void> {
    const finishedAtMs = this.#clock.nowMs();
    const change: Partial<store.JobRow> = {
      ...released,
      status,
      result: with_.result ?? null,
      error: with_.error ? JSON.stringify(with_.error) : null,
      failures: with_.failures ?? row.failures,
      finished_at_ms: finishedAtMs,
    };
    if (row.status === 'leased') await store.updateLeased(tx, row.id, row.attempt, change);
    else await store.updateQueued(tx, row.id, change);
    await this.#handlers.get(row.kind)?.(tx, {
      id: row.id,
      kind: row.kind,
      status,
      payload: JSON.parse(row.payload),
      result: with_.result === undefined ? null : JSON.parse(with_.result),
      error: with_.error ?? null,
      attempt: row.attempt,
      startedAtMs: row.started_at_ms,
      finishedAtMs,
    });
    this.#db.signal(jobLogsTopic);
  }

  #wakeUp() {
    let wake: () => void = () => {};
    let woken = false;
    const stop = this.#db.onSignal(waitingTopic, () => {
      woken = true;
      wake();
    });
    return {
      wait: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve) => {
          if (woken || signal?.aborted) return resolve();
          const end = () => {
            clearTimeout(timer);
            // A worker waits with the same signal for as long as it lives.
            signal?.removeEventListener('abort', end);
            resolve();
          };
          const timer = setTimeout(end, Math.min(ms, longestTimerMs));
          wake = end;
          signal?.addEventListener('abort', end);
        }),
      dispose: stop,
    };
  }
}

const released = {
  status: 'queued',
  lease_owner: null,
  lease_until_ms: null,
  token_digest: null,
} as const;

function cancelled(reason: string): JobError {
  return { code: 'cancelled', message: `cancelled: ${reason}` };
}

function toResource(row: store.JobRow): JobResource {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    attempt: row.attempt,
    failures: row.failures,
    worker: row.lease_owner,
    payload: JSON.parse(row.payload),
    result: row.result === null ? null : JSON.parse(row.result),
    error: row.error === null ? null : jobError.parse(JSON.parse(row.error)),
    createdAt: formatTime(row.created_at_ms),
    startedAt: row.started_at_ms === null ? null : formatTime(row.started_at_ms),
    finishedAt: row.finished_at_ms === null ? null : formatTime(row.finished_at_ms),
  };
}

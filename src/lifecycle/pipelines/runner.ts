import { basename } from 'node:path';
import { z } from 'zod';
import { errorMessage } from '../../core/error-message.ts';
import { fail, MillraceError } from '../../core/errors.ts';
import { parseInput } from '../../core/schema.ts';
import { callAfter, formatDuration } from '../../core/time.ts';
import { ControlError } from '../../platform/client/index.ts';
import type { Attempts } from '../../platform/executors/local/index.ts';
import type { Frames } from '../../platform/frames/index.ts';
import type { JobError, LeasedJob } from '../../platform/jobs/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { StepBlobs, StepKind } from '../../platform/registries/index.ts';
import type { JobQueue } from './job-queue.ts';
import { LogBuffer } from './log-buffer.ts';

export interface RunnerDeps {
  readonly queue: JobQueue;
  readonly kinds: readonly StepKind[];
  /** A lasting name and, after a slash, this start of it: `local/0192…`. */
  readonly worker: string;
  readonly attempts: Attempts;
  readonly blobs: StepBlobs;
  /** Keeps the blobs that a step asks for where they are, until what it returns is called. */
  readonly holdBlobs?: () => () => void;
  readonly frames: Frames;
  readonly controlUrl: string;
  /** Steps run at the same time. */
  readonly slots: number;
  readonly log: Logger;
}

const leaseWaitMs = 20_000;
const offlineRetryMs = 1_000;
/** A control that starts, or starts again, is away for a moment; only longer is worth a line in the log. */
const quietTries = 5;
/** How long a stopped step may take to come to its end before it is given up on. */
const settleMs = 15_000;

/** What a job of a step holds; each kind of step looks at its own inputs. */
const stepPayloadSchema = z.object({ subject: z.string(), inputs: z.unknown() });

type Stop = 'cancelled' | 'timed-out' | 'lease-lost' | 'shutting-down';

/**
 * Runs steps: leases them, keeps the lease while they run, stops them when they are cancelled or take too
 * long, and reports results. What it was running when it is killed is leased again, by itself or another.
 */
export class StepRunner {
  readonly #deps: RunnerDeps;
  readonly #kinds: ReadonlyMap<string, StepKind>;
  readonly #stopping = new AbortController();
  #loops: readonly Promise<void>[] = [];

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
    this.#kinds = new Map(deps.kinds.map((kind) => [kind.kind, kind]));
  }

  async start(): Promise<void> {
    await this.#deps.attempts.clear();
    this.#loops = Array.from({ length: this.#deps.slots }, (_, slot) => this.#work(slot));
  }

  /** Stops the steps under way and leaves them to be leased again. */
  async stop(): Promise<void> {
    this.#stopping.abort('shutting-down' satisfies Stop);
    await Promise.all(this.#loops);
  }

  async #work(slot: number): Promise<void> {
    const { queue, worker, log } = this.#deps;
    const kinds = [...this.#kinds.keys()];
    let announced = slot !== 0;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      try {
        if (!announced) await queue.workerStarted(worker);
        announced = true;
        const job = await queue.lease(worker, kinds, leaseWaitMs, this.#stopping.signal);
        if (failures >= quietTries) log.info('control answers again');
        failures = 0;
        // What was leased while this was told to stop would not hear of it; it is leased again after the next start.
        if (job && !this.#stopping.signal.aborted) await this.#run(job);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        failures += 1;
        if (failures === quietTries) log.warn({ err: error }, 'no step could be leased; trying on');
        await pause(offlineRetryMs, this.#stopping.signal);
      }
    }
  }

  async #run(job: LeasedJob): Promise<void> {
    const { queue, log } = this.#deps;
    const stop = new AbortController();
    const end = (why: Stop) => stop.abort(why);
    const onShutdown = () => end('shutting-down');
    this.#stopping.signal.addEventListener('abort', onShutdown, { once: true });
    const logs = new LogBuffer((lines) => queue.appendLogs(job.id, job.attempt, lines));
    const beat = setInterval(() => void this.#heartbeat(job, end), job.leaseMs / 3);
    const stopListening = queue.onCancel(() => void this.#heartbeat(job, end));
    const noLimit = callAfter(job.timeoutMs, () => end('timed-out'));
    try {
      const outcome = await this.#attempt(job, stop.signal, logs);
      await logs.flush();
      if (outcome.ok) await queue.complete(job.id, job.attempt, outcome.result);
      else if (stop.signal.reason !== 'lease-lost' && stop.signal.reason !== 'shutting-down') {
        await queue.fail(job.id, job.attempt, outcome.error, outcome.retryable);
      }
      // What could not be written while control was away: now it answers.
      await logs.flush();
    } catch (error) {
      log.warn(
        { err: error, step: job.id },
        'the end of a step could not be reported; its lease will run out',
      );
    } finally {
      stopListening();
      clearInterval(beat);
      noLimit();
      this.#stopping.signal.removeEventListener('abort', onShutdown);
    }
  }

  async #heartbeat(job: LeasedJob, end: (why: Stop) => void): Promise<void> {
    try {
      const { cancelReason } = await this.#deps.queue.heartbeat(job.id, job.attempt);
      if (cancelReason !== null) end('cancelled');
    } catch (error) {
      // Control being away for a moment is no reason to throw away an hour of training.
      if (error instanceof MillraceError && error.code === 'lease_lost') end('lease-lost');
    }
  }

  async #attempt(job: LeasedJob, signal: AbortSignal, logs: LogBuffer): Promise<Outcome> {
    const { attempts, blobs, frames, controlUrl } = this.#deps;
    const name = `${job.id}-${job.attempt}`;
    const release = this.#deps.holdBlobs?.();
    try {
      const kind = this.#kinds.get(job.kind);
      if (!kind)
        throw fail('step_kind_unknown', { kind: job.kind, known: [...this.#kinds.keys()].join(', ') });
      const { subject, inputs: given } = parseInput(stepPayloadSchema, job.payload, 'job');
      const inputs = parseInput(kind.inputs, given, `inputs of step ${job.kind}`);
      const workDir = await attempts.open(name);
      const running = kind.run(inputs, {
        stepRunId: job.id,
        attempt: job.attempt,
        subject,
        signal,
        workDir,
        blobs,
        frames,
        token: job.token,
        controlUrl,
        log: (line, stream = 'system') => logs.add({ line, stream }),
      });
      const result = await settle(running, signal);
      return { ok: true, result };
    } catch (error) {
      return toFailure(job, signal, error);
    } finally {
      await attempts.close(name);
      release?.();
    }
  }
}

type Outcome =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: JobError; readonly retryable: boolean };

/** Waits for a step; one that has been told to stop and does not is given up on. */
async function settle<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const givenUp = new Promise<never>((_, reject) => {
    const start = () => {
      timer = setTimeout(() => reject(new Error('the step did not stop when told to')), settleMs);
    };
    if (signal.aborted) start();
    else signal.addEventListener('abort', start, { once: true });
  });
  try {
    return await Promise.race([running, givenUp]);
  } finally {
    clearTimeout(timer);
  }
}

function toFailure(job: LeasedJob, signal: AbortSignal, error: unknown): Outcome {
  if (signal.reason === 'timed-out') {
    const { code, message, next } = fail('step_timed_out', {
      kind: job.kind,
      timeout: formatDuration(job.timeoutMs),
    });
    return { ok: false, error: { code, message, next }, retryable: false };
  }
  if (error instanceof MillraceError) {
    const { code, message, next } = error;
    return { ok: false, error: { code, message, next }, retryable: error.status >= 500 };
  }
  if (error instanceof ControlError) {
    const { code, message, next } = error;
    // Control understood, and what the step was asked for cannot be done.
    return { ok: false, error: { code, message, next }, retryable: error.status !== 422 };
  }
  const { code: known, path } = error as NodeJS.ErrnoException;
  if (known === 'ENOSPC' || known === 'EDQUOT')
    return toFailure(job, signal, fail('disk_full', { path: path ?? 'the worker' }, error));
  const message = errorMessage(error);
  const where = error instanceof Error ? error.stack?.split('\n')[1]?.trim() : undefined;
  const file = where ? basename(where.replace(/[()]/g, '')) : undefined;
  return {
    ok: false,
    error: { code: 'internal', message: file ? `${message} (${file})` : message },
    retryable: true,
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

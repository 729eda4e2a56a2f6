import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { type ControlClient, ControlError, isPassing } from '../../platform/client/index.ts';
import { type JobError, type LeasedJob, type LogLine, leasedJob } from '../../platform/jobs/index.ts';
import type { JobQueue } from './job-queue.ts';

const nothing = z.unknown();
/** How long the end of a step is offered to a control that does not answer. */
const patienceMs = 600_000;
const retryMs = 1_000;

/** The queue of control as a worker on this or another machine sees it. */
export class HttpJobQueue implements JobQueue {
  readonly #client: ControlClient;
  #first = true;

  constructor(client: ControlClient) {
    this.#client = client;
  }

  /** The first lease releases what an earlier start of this worker held. */
  async workerStarted(_worker: string): Promise<void> {
    this.#first = true;
  }

  async lease(
    worker: string,
    kinds: readonly string[],
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<LeasedJob | undefined> {
    const [name = worker, instance = ''] = worker.split('/');
    const body = { instance, first: this.#first, kinds, waitMs };
    const { job } = await this.#client.call(`/api/v1/workers/${encodeURIComponent(name)}/lease`, {
      body,
      schema: z.object({ job: leasedJob.nullable() }),
      ...(signal ? { signal } : {}),
    });
    this.#first = false;
    return job ?? undefined;
  }

  async heartbeat(id: string, attempt: number): Promise<{ readonly cancelReason: string | null }> {
    const schema = z.object({ cancelReason: z.string().nullable() });
    return this.#held(id, attempt, () =>
      this.#client.call(`/api/v1/jobs/${id}/heartbeat`, { body: { attempt }, schema }),
    );
  }

  /** Control tells a worker with its next heartbeat. */
  onCancel(): () => void {
    return () => {};
  }

  async appendLogs(id: string, attempt: number, lines: readonly LogLine[]): Promise<void> {
    await this.#client.call(`/api/v1/jobs/${id}/logs`, { body: { attempt, lines }, schema: nothing });
  }

  async complete(id: string, attempt: number, result: unknown): Promise<void> {
    await this.#offer(id, attempt, `/api/v1/jobs/${id}/complete`, { attempt, result });
  }

  async fail(id: string, attempt: number, error: JobError, retryable: boolean): Promise<void> {
    await this.#offer(id, attempt, `/api/v1/jobs/${id}/fail`, { attempt, error, retryable });
  }

  async #offer(id: string, attempt: number, path: string, body: unknown): Promise<void> {
    const deadlineMs = performance.now() + patienceMs;
    for (;;) {
      try {
        await this.#held(id, attempt, () => this.#client.call(path, { body, schema: nothing }));
        return;
      } catch (error) {
        if (!isPassing(error) || performance.now() > deadlineMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  async #held<T>(id: string, attempt: number, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      if (error instanceof ControlError && error.code === 'lease_lost') {
        throw fail('lease_lost', { id, attempt }, error);
      }
      throw error;
    }
  }
}

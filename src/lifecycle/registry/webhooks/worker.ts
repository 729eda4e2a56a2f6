import { z } from 'zod';
import { errorMessage } from '../../../core/error-message.ts';
import { MillraceError } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { Clock } from '../../../core/time.ts';
import type { Database } from '../../../platform/db/index.ts';
import type { Jobs, LeasedJob } from '../../../platform/jobs/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { WEBHOOK_DELIVERY } from './outbox.ts';
import type { Webhooks } from './service.ts';
import { deleteOldDeliveries, findDelivery, moveDelivery } from './store.ts';

interface WebhookWorkerDeps {
  readonly db: Database;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly webhooks: Webhooks;
  readonly log: Logger;
  /** Deliveries at the same time. */
  readonly slots: number;
}

const leaseWaitMs = 20_000;
const retryMs = 1_000;
const keptMs = 30 * 86_400_000;
const tidyEveryMs = 3_600_000;

const payloadSchema = z.object({
  inputs: z.object({ deliveryId: z.string(), attempt: z.number().int() }),
});

/**
 * Brings deliveries to webhooks, several at the same time, so that a slow receiver holds up nobody else's. What
 * was under way when the process died is leased again when it is back.
 */
export class WebhookWorker {
  readonly #deps: WebhookWorkerDeps;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();
  #tidiedAtMs = 0;

  constructor(deps: WebhookWorkerDeps) {
    this.#deps = deps;
    const { jobs } = deps;
    // The queue's own end of a job (somebody cancelled it) is the end of its delivery.
    jobs.onFinished(WEBHOOK_DELIVERY, async (tx, job) => {
      if (job.status === 'done') return;
      const { deliveryId, attempt } = payloadSchema.parse(job.payload).inputs;
      const delivery = await findDelivery(tx, deliveryId);
      if (delivery?.status !== 'pending' || delivery.attempts >= attempt) return;
      const change = {
        error: job.error?.message ?? null,
        next_attempt_at_ms: null,
        updated_at_ms: deps.clock.nowMs(),
      };
      await moveDelivery(tx, delivery, { status: job.status, ...change });
    });
  }

  start(): void {
    this.#loop = this.#work();
  }

  /** Stops what is under way and leaves it to be sent after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the server is stopping'));
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #work(): Promise<void> {
    const { jobs, log, slots } = this.#deps;
    const { signal } = this.#stopping;
    const worker = `webhooks/${uuidv7()}`;
    let isAnnounced = false;
    while (!signal.aborted) {
      try {
        if (!isAnnounced) await jobs.workerStarted(worker);
        isAnnounced = true;
        await this.#tidy();
        if (this.#running.size >= slots) await Promise.race(this.#running);
        const job = await jobs.lease(worker, [WEBHOOK_DELIVERY], leaseWaitMs, signal);
        if (job) this.#run(job);
      } catch (error) {
        if (signal.aborted) return;
        log.error({ err: error }, 'no delivery to a webhook could be leased; trying on');
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  #run(job: LeasedJob): void {
    const running = this.#deliver(job).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #deliver(job: LeasedJob): Promise<void> {
    const { jobs, webhooks, log } = this.#deps;
    const { signal } = this.#stopping;
    const beat = setInterval(() => {
      // A lease that is lost is noticed when the attempt ends: what it did is recorded once all the same.
      jobs.heartbeat(job.id, job.attempt).catch(() => {});
    }, job.leaseMs / 3);
    try {
      const { deliveryId, attempt } = payloadSchema.parse(job.payload).inputs;
      await webhooks.attempt(deliveryId, attempt, signal);
      await jobs.complete(job.id, job.attempt, {});
    } catch (error) {
      if (signal.aborted) return;
      log.error({ err: error, job: job.id }, 'a delivery to a webhook could not be attempted');
      const code = error instanceof MillraceError ? error.code : 'internal';
      const message = errorMessage(error);
      // A lease that is lost, or a database that is away: the job is put back when the lease runs out, and told of then.
      await jobs.fail(job.id, job.attempt, { code, message }, true).catch(() => {});
    } finally {
      clearInterval(beat);
    }
  }

  /** Forgets what came to an end a month ago. */
  async #tidy(): Promise<void> {
    const { db, clock } = this.#deps;
    const nowMs = clock.nowMs();
    if (nowMs - this.#tidiedAtMs < tidyEveryMs) return;
    this.#tidiedAtMs = nowMs;
    await db.write((tx) => deleteOldDeliveries(tx, nowMs - keptMs));
  }
}

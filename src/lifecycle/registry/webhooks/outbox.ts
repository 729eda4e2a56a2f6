import { uuidv7 } from '../../../core/ids.ts';
import type { Clock } from '../../../core/time.ts';
import type { Tx } from '../../../platform/db/index.ts';
import type { Jobs } from '../../../platform/jobs/index.ts';
import { type Announcement, bodyOf } from './payloads.ts';
import { type DeliveryRow, insertDelivery, subscribers } from './store.ts';

/** Kind of the jobs that bring deliveries to webhooks. */
export const WEBHOOK_DELIVERY = 'webhook-delivery';

/** Failures of ours (not of the receiver) after which a job is given up; its pauses grow up to five minutes. */
const manyFailures = 1_000;

interface OutboxDeps {
  readonly jobs: Jobs;
  readonly clock: Clock;
}

/**
 * Writes a delivery for every active webhook that asks for this event, in the transaction of the change: so a
 * change that is there is told of, and one that was rolled back is not.
 */
export async function announce(deps: OutboxDeps, tx: Tx, announcement: Announcement): Promise<void> {
  const webhooks = await subscribers(tx, announcement.event);
  const nowMs = deps.clock.nowMs();
  for (const { id: webhookId, name, url } of webhooks) {
    const delivery: DeliveryRow = {
      id: uuidv7(nowMs),
      webhook_id: webhookId,
      webhook_name: name,
      url,
      event: announcement.event,
      body: bodyOf(announcement, nowMs),
      status: 'pending',
      attempts: 0,
      response_status: null,
      response_body: null,
      error: null,
      next_attempt_at_ms: nowMs,
      created_at_ms: nowMs,
      updated_at_ms: nowMs,
    };
    await insertDelivery(tx, delivery);
    await enqueueAttempt(deps.jobs, tx, delivery.id, 1, nowMs);
  }
}

/** Queues an attempt of a delivery, once, however often it is asked for. */
export async function enqueueAttempt(
  jobs: Jobs,
  tx: Tx,
  deliveryId: string,
  attempt: number,
  availableAtMs: number,
): Promise<void> {
  await jobs.enqueue(tx, {
    kind: WEBHOOK_DELIVERY,
    payload: { subject: `webhook-delivery/${deliveryId}`, inputs: { deliveryId, attempt } },
    key: `${WEBHOOK_DELIVERY}/${deliveryId}/${attempt}`,
    availableAtMs,
    maxFailures: manyFailures,
  });
}

import { errorMessage } from '../../../core/error-message.ts';
import { MillraceError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/time.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import type { Jobs } from '../../../platform/jobs/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import { type Outbound, type OutboundAnswer, OutboundRefused } from '../../../platform/outbound/index.ts';
import type { SecretBox } from '../../../platform/secrets/index.ts';
import { pauseMs, type Resend } from './backoff.ts';
import { enqueueAttempt } from './outbox.ts';
import { complaintOf, send } from './send.ts';
import { type DeliveryRow, findDelivery, findWebhook, moveDelivery, type WebhookRow } from './store.ts';

export interface DeliveryDeps {
  readonly db: Database;
  readonly journal: Journal;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly outbound: Outbound;
  readonly secrets: SecretBox;
  readonly timeoutMs: number;
  /** Attempts after the first before a delivery is given up. */
  readonly maxRetries: number;
  /** In [0, 1). */
  readonly random: () => number;
}

const shownCharacters = 2_000;

/**
 * Makes one attempt of a delivery and records how it went: delivered, to be tried again later, or given up. An
 * attempt that was made already, or whose delivery came to its end, is nothing. When the process dies after the
 * receiver took it and before that is recorded, it is sent again with the same id.
 */
export async function attemptDelivery(
  deps: DeliveryDeps,
  deliveryId: string,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const { db, clock } = deps;
  const delivery = await findDelivery(db.read, deliveryId);
  if (delivery?.status !== 'pending' || delivery.attempts >= attempt) return;
  const webhook = await findWebhook(db.read, delivery.webhook_id);
  if (webhook?.status !== 'ACTIVE') {
    const error = webhook ? 'the webhook is disabled' : 'the webhook was deleted';
    const change = { status: 'cancelled', error, next_attempt_at_ms: null } as const;
    await db.write((tx) => moveDelivery(tx, delivery, { ...change, updated_at_ms: clock.nowMs() }));
    return;
  }
  const outcome = await tryOnce(deps, delivery, webhook, signal);
  if (outcome.answer === null && signal.aborted) throw signal.reason;
  await db.write((tx) => recordOutcome(deps, tx, delivery, webhook, outcome));
}

interface Outcome extends Resend {
  readonly answer: OutboundAnswer | null;
  /** Null: the receiver has taken it. */
  readonly error: string | null;
}

async function tryOnce(
  deps: DeliveryDeps,
  delivery: DeliveryRow,
  webhook: WebhookRow,
  signal: AbortSignal,
): Promise<Outcome> {
  const { outbound, secrets, clock, timeoutMs } = deps;
  const unanswered = (error: string, mayHelp: boolean) => ({ answer: null, error, mayHelp, waitMs: null });
  try {
    const secret = webhook.sealed_secret === null ? null : secrets.open(webhook.sealed_secret);
    const message = { url: secrets.open(webhook.sealed_url), id: delivery.id, body: delivery.body, secret };
    const answer = await send(outbound, message, clock.nowMs(), timeoutMs, signal);
    return { answer, error: null, mayHelp: false, waitMs: null, ...complaintOf(answer, clock.nowMs()) };
  } catch (error) {
    if (error instanceof OutboundRefused) return unanswered(error.message, error.kind === 'unresolvable');
    const isOurs = error instanceof MillraceError;
    return unanswered(errorMessage(error), !isOurs);
  }
}

async function recordOutcome(
  deps: DeliveryDeps,
  tx: Tx,
  delivery: DeliveryRow,
  webhook: WebhookRow,
  outcome: Outcome,
): Promise<void> {
  const { answer, error, mayHelp, waitMs } = outcome;
  const attempts = delivery.attempts + 1;
  const nowMs = deps.clock.nowMs();
  const again = error !== null && mayHelp && attempts <= deps.maxRetries;
  const nextMs = again ? nowMs + pauseMs(attempts, waitMs, deps.random()) : null;
  const status = error === null ? 'delivered' : again ? 'pending' : 'failed';
  const moved = await moveDelivery(tx, delivery, {
    status,
    attempts,
    url: webhook.url,
    response_status: answer?.status ?? null,
    response_body: answer?.body.slice(0, shownCharacters) ?? null,
    error,
    next_attempt_at_ms: nextMs,
    updated_at_ms: nowMs,
  });
  if (!moved) return;
  if (nextMs !== null) return enqueueAttempt(deps.jobs, tx, delivery.id, attempts + 1, nextMs);
  const data = { webhookId: webhook.id, event: delivery.event, attempts, error };
  const subject = { kind: 'webhook-delivery', id: delivery.id };
  await deps.journal.appendEvent(tx, { type: `webhook-delivery.${status}`, subject, data });
}

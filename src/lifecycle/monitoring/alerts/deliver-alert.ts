import { createHmac } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { errorMessage } from '../../../core/error-message.ts';
import type { Clock } from '../../../core/time.ts';
import type { Database } from '../../../platform/db/index.ts';
import { type Outbound, OutboundRefused } from '../../../platform/outbound/index.ts';
import type { SecretBox } from '../../../platform/secrets/index.ts';
import { findDelivery, updateDelivery } from '../store/alerts.ts';
import type { DeliveryRow } from '../store/tables.ts';
import { openTarget } from './targets.ts';

/** Kind of the jobs that bring an alert to a webhook. */
export const ALERT_DELIVERY = 'alert-delivery';

/** Attempts, with growing pauses: 1 s, 4 s, 16 s, ... about 25 minutes in all. */
export const deliveryMaxFailures = 8;

const timeoutMs = 10_000;

interface DeliveryDeps {
  readonly db: Database;
  readonly outbound: Outbound;
  readonly secrets: SecretBox;
  readonly clock: Clock;
}

/**
 * Posts a delivery's JSON to its webhook once, and records how it went. Throws when it did not arrive, so that the
 * queue tries again; a delivery that arrived or is gone is done, and so is one to an address that may not be
 * called. Any 2xx answer counts.
 *
 * With a secret the request is signed as Standard Webhooks has it: `webhook-signature: v1,<base64 of HMAC-SHA256
 * over "<webhook-id>.<webhook-timestamp>.<body>">`.
 */
export async function deliverAlert(
  deps: DeliveryDeps,
  deliveryId: string,
  signal: AbortSignal,
): Promise<void> {
  const { db, clock } = deps;
  const delivery = await findDelivery(db.read, deliveryId);
  if (!delivery || delivery.state === 'delivered') return;
  const attempts = delivery.attempts + 1;
  const outcome = await post(deps, delivery, signal);
  const isLast = outcome.isFinal || attempts >= deliveryMaxFailures;
  const state = outcome.error === null ? 'delivered' : isLast ? 'failed' : 'pending';
  const change = {
    state,
    attempts,
    http_status: outcome.httpStatus,
    error: outcome.error,
    updated_at_ms: clock.nowMs(),
  } as const;
  await db.write((tx) => updateDelivery(tx, deliveryId, change));
  if (outcome.error !== null && !outcome.isFinal)
    throw new Error(`webhook ${delivery.url}: ${outcome.error}`);
}

function headersOf(id: string, secret: string | null, body: string, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'millrace',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
  };
  if (secret === null) return headers;
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

interface Outcome {
  readonly httpStatus: number | null;
  /** Null: it arrived. */
  readonly error: string | null;
  /** Trying again would not help. */
  readonly isFinal: boolean;
}

async function post(
  { outbound, secrets, clock }: DeliveryDeps,
  { id, body, sealed_target }: DeliveryRow,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const { webhook, secret = null } = openTarget(secrets, sealed_target);
    const headers = headersOf(id, secret, body, clock.nowMs());
    const { status } = await outbound.post(webhook, { headers, body, timeoutMs, signal });
    const isTaken = status >= 200 && status < 300;
    const error = isTaken ? null : `answered ${status} ${STATUS_CODES[status] ?? ''}`.trim();
    return { httpStatus: status, error, isFinal: false };
  } catch (error) {
    const isFinal = error instanceof OutboundRefused && error.kind !== 'unresolvable';
    return { httpStatus: null, error: errorMessage(error), isFinal };
  }
}

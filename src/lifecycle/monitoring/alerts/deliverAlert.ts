import { createHmac } from 'node:crypto';
import { type Clock, wallClock } from '../../../core/time.ts';
import type { Database } from '../../../platform/db/index.ts';
import { findDelivery, updateDelivery } from '../store/alerts.ts';

/** Kind of the jobs that bring an alert to a webhook. */
export const ALERT_DELIVERY = 'alert-delivery';

/** Attempts, with growing pauses: 1 s, 4 s, 16 s, ... about 25 minutes in all. */
export const deliveryMaxFailures = 8;

const timeoutMs = 10_000;

/**
 * Posts a delivery's JSON to its webhook once, and records how it went. Throws when it did not arrive, so that the
 * queue tries again; a delivery that arrived or is gone is done. Any 2xx answer counts.
 *
 * With a secret the request is signed as Standard Webhooks has it: `webhook-signature: v1,<base64 of HMAC-SHA256
 * over "<webhook-id>.<webhook-timestamp>.<body>">`.
 */
export async function deliverAlert(
  db: Database,
  deliveryId: string,
  signal: AbortSignal,
  clock: Clock = wallClock,
): Promise<void> {
  const delivery = await findDelivery(db.read, deliveryId);
  if (!delivery || delivery.state === 'delivered') return;
  const attempts = delivery.attempts + 1;
  const { url, secret, body } = delivery;
  const outcome = await post(url, headersOf(deliveryId, secret, body, clock.nowMs()), body, signal);
  const state = outcome.error === null ? 'delivered' : attempts >= deliveryMaxFailures ? 'failed' : 'pending';
  const change = {
    state,
    attempts,
    http_status: outcome.httpStatus,
    error: outcome.error,
    updated_at_ms: clock.nowMs(),
  };
  await db.write((tx) => updateDelivery(tx, deliveryId, change));
  if (outcome.error !== null) throw new Error(`webhook ${url}: ${outcome.error}`);
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

async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<{ readonly httpStatus: number | null; readonly error: string | null }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    return {
      httpStatus: response.status,
      error: response.ok ? null : `answered ${response.status} ${response.statusText}`.trim(),
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { httpStatus: null, error: cause instanceof Error ? cause.message : String(cause) };
  }
}

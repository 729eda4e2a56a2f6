import { createHmac } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Outbound, OutboundAnswer } from '../../../platform/outbound/index.ts';
import type { Resend } from './backoff.ts';

export interface Message {
  readonly url: string;
  /** Names the delivery, the same in every attempt, so that a receiver can drop what it has already. */
  readonly id: string;
  readonly body: string;
  /** Null: not signed. */
  readonly secret: string | null;
}

/**
 * Sends a message once, with MLflow's headers. The signature is over `<id>.<timestamp>.<body>`, and the timestamp
 * is that of the attempt, so that receivers may refuse what is old (mlflow/webhooks/delivery.py).
 *
 * @throws `OutboundRefused`; any other error when there was no answer in time
 */
export async function send(
  outbound: Outbound,
  message: Message,
  nowMs: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<OutboundAnswer> {
  const { url, id, body, secret } = message;
  const timestamp = String(Math.floor(nowMs / 1000));
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'millrace',
    'X-MLflow-Delivery-Id': id,
    'X-MLflow-Timestamp': timestamp,
    ...(secret === null ? {} : { 'X-MLflow-Signature': signatureOf(secret, id, timestamp, body) }),
  };
  return outbound.post(url, { headers, body, timeoutMs, ...(signal ? { signal } : {}) });
}

function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return `v1,${mac}`;
}

/** What an answer means: null when it was taken, else why not and whether another attempt may help. */
export function complaintOf(
  answer: OutboundAnswer,
  nowMs: number,
): (Resend & { readonly error: string }) | null {
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return null;
  const text = `answered ${status} ${STATUS_CODES[status] ?? ''}`.trim();
  const isRedirect = status >= 300 && status < 400;
  return {
    error: isRedirect ? `${text}; redirects are not followed` : text,
    mayHelp: status >= 500 || status === 408 || status === 425 || status === 429,
    waitMs: retryAfterMs(headers['retry-after'], nowMs),
  };
}

/** Seconds or a date, as HTTP has it; null for anything else. */
function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

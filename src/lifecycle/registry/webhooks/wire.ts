import { formatTime } from '../../../core/time.ts';
import type { Webhook, WebhookDelivery, WebhookDeliveryDetail } from './contract.ts';
import type { DeliveryCounts, DeliveryRow, WebhookRow } from './store.ts';

const timeOf = (ms: number | null): string | null => (ms === null ? null : formatTime(ms));

/** A webhook as our REST API shows it, without its secret; counts are 0 where none were asked for. */
export function toWebhook(row: WebhookRow, events: readonly string[], counts?: DeliveryCounts): Webhook {
  const { id, name, description, url, status } = row;
  return {
    id,
    name,
    description,
    url,
    status,
    events: [...events],
    isSigned: row.sealed_secret !== null,
    createdAt: formatTime(row.created_at_ms),
    updatedAt: formatTime(row.updated_at_ms),
    pendingCount: counts?.pending ?? 0,
    failedCount: counts?.failed ?? 0,
    lastDeliveredAt: timeOf(counts?.lastDeliveredAtMs ?? null),
  };
}

/** A delivery as lists show it; `toDeliveryDetail` adds what was sent and what came back. */
export function toDelivery(row: DeliveryRow): WebhookDelivery {
  const { id, url, event, status, attempts, error } = row;
  return {
    id,
    url,
    event,
    status,
    attempts,
    error,
    webhookId: row.webhook_id,
    webhookName: row.webhook_name,
    responseStatus: row.response_status,
    nextAttemptAt: timeOf(row.next_attempt_at_ms),
    createdAt: formatTime(row.created_at_ms),
    updatedAt: formatTime(row.updated_at_ms),
  };
}

export function toDeliveryDetail(row: DeliveryRow): WebhookDeliveryDetail {
  return { ...toDelivery(row), body: row.body, responseBody: row.response_body };
}

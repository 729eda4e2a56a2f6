/**
 * Webhooks: addresses that are told of changes in the registry, in MLflow's wire format, and the record of every
 * delivery. Browser-safe.
 */
import { z } from 'zod';

/** RFC 3339 time. */
const timeSchema = z.string();

/** What a webhook may ask for, by entity; MLflow 3.17's list. `budget_policy` never happens here. */
export const webhookActions = {
  registered_model: ['created'],
  model_version: ['created'],
  model_version_tag: ['set', 'deleted'],
  model_version_alias: ['created', 'deleted'],
  prompt: ['created'],
  prompt_version: ['created'],
  prompt_tag: ['set', 'deleted'],
  prompt_version_tag: ['set', 'deleted'],
  prompt_alias: ['created', 'deleted'],
  budget_policy: ['exceeded'],
} as const;

/** All events as `entity.action`. */
export const webhookEventNames = Object.entries(webhookActions).flatMap(([entity, actions]) =>
  actions.map((action) => `${entity}.${action}`),
);

/** An event as `entity.action`, for instance `model_version_alias.created`. */
const webhookEventSchema = z.enum(webhookEventNames as [string, ...string[]], {
  error: (issue) =>
    `unknown event ${JSON.stringify(issue.input)}; the events are ${webhookEventNames.join(', ')}`,
});

const webhookStatusSchema = z.enum(['ACTIVE', 'DISABLED']);
export type WebhookStatus = z.infer<typeof webhookStatusSchema>;

export const webhookSchema = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  /** Its host and the last four characters: a path may be a token. An update that gives it back keeps the address. */
  url: z.string(),
  events: z.array(z.string()),
  status: webhookStatusSchema,
  /** Whether deliveries are signed; the secret itself is never shown. */
  isSigned: z.boolean(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  /** Deliveries that wait, and that were given up. */
  pendingCount: z.number().int(),
  failedCount: z.number().int(),
  lastDeliveredAt: timeSchema.nullable(),
});
export type Webhook = z.infer<typeof webhookSchema>;

const changeable = {
  name: z.string().min(1),
  description: z.string().max(1000),
  url: z.string().min(1),
  events: z.array(webhookEventSchema).min(1),
  /** Empty: deliveries are not signed. */
  secret: z.string().max(1000),
  status: webhookStatusSchema,
};

/** `POST /api/v1/webhooks` */
export const createWebhookInputSchema = z.strictObject({
  ...changeable,
  description: changeable.description.default(''),
  secret: changeable.secret.default(''),
  status: changeable.status.default('ACTIVE'),
});
export type CreateWebhookInput = z.input<typeof createWebhookInputSchema>;

/** `PATCH /api/v1/webhooks/:id`; what is left out stays. */
export const updateWebhookInputSchema = z.strictObject(changeable).partial();
export type UpdateWebhookInput = z.input<typeof updateWebhookInputSchema>;

/** `POST /api/v1/webhooks/:id/test`: an example of the event (the webhook's first) is sent once. */
export const testWebhookInputSchema = z.strictObject({ event: webhookEventSchema.optional() });

export const webhookTestResultSchema = z.object({
  success: z.boolean(),
  responseStatus: z.number().int().nullable(),
  responseBody: z.string().nullable(),
  errorMessage: z.string().nullable(),
});
export type WebhookTestResult = z.infer<typeof webhookTestResultSchema>;

const deliveryStatusSchema = z.enum(['pending', 'delivered', 'failed', 'cancelled']);
export type DeliveryStatus = z.infer<typeof deliveryStatusSchema>;

/** One event on its way to one webhook. Its id is the same in every attempt (`X-MLflow-Delivery-Id`). */
export const webhookDeliverySchema = z.object({
  id: z.string(),
  webhookId: z.string(),
  webhookName: z.string(),
  /** As the webhook's is shown. */
  url: z.string(),
  event: z.string(),
  status: deliveryStatusSchema,
  attempts: z.number().int(),
  /** HTTP status of the last answer; null when there was none. */
  responseStatus: z.number().int().nullable(),
  /** Why the last attempt failed, or why it was cancelled. */
  error: z.string().nullable(),
  /** When it is tried again; null when it is not. */
  nextAttemptAt: timeSchema.nullable(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;

/** With the body that is sent and the beginning of the last answer. */
export const webhookDeliveryDetailSchema = webhookDeliverySchema.extend({
  body: z.string(),
  responseBody: z.string().nullable(),
});
export type WebhookDeliveryDetail = z.infer<typeof webhookDeliveryDetailSchema>;

const page = {
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  after: z.string().optional(),
};

export const webhookListQuerySchema = z.strictObject(page);

/** `GET /api/v1/webhook-deliveries`, newest first. */
export const deliveryListQuerySchema = z.strictObject({
  webhook: z.string().min(1).optional(),
  status: deliveryStatusSchema.optional(),
  ...page,
});
export type DeliveryListQuery = z.infer<typeof deliveryListQuerySchema>;

/** Events of the journal. The subject is the webhook, or the delivery. */
export const webhookEventTypes = [
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook-delivery.delivered',
  'webhook-delivery.failed',
] as const;

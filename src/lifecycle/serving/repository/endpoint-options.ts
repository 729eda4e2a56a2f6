import { type EndpointOptions, endpointOptionsSchema } from '../contract.ts';
import type { ModelConfig } from './model-config.ts';

/** Answers that a model with `response_cache` remembers. */
const cachedAnswers = 10_000;

/** What a model's configuration says of batching, queueing and caching, in the options that the data plane obeys. */
export function optionsOf(config: ModelConfig): EndpointOptions {
  const { dynamic_batching: batching, max_batch_size: largest = 0, response_cache: cache } = config;
  const preferred = batching?.preferred_batch_size ?? [];
  const policy = batching?.default_queue_policy;
  const maxRows = preferred.length > 0 ? Math.max(...preferred) : largest;
  return endpointOptionsSchema.parse({
    batching: {
      maxRows: maxRows > 0 ? maxRows : null,
      maxDelayUs: batching?.max_queue_delay_microseconds ?? 0,
      ...(policy && policy.max_queue_size > 0 ? { maxWaitingRows: policy.max_queue_size } : {}),
    },
    timeoutMs:
      policy && policy.default_timeout_microseconds > 0
        ? Math.max(1, Math.round(policy.default_timeout_microseconds / 1000))
        : null,
    cache: cache?.enable ? { maxEntries: cachedAnswers } : null,
  });
}

import { z } from 'zod';
import { type EndpointOptions, endpointOptionsSchema } from '../contract.ts';
import { type ModelConfig, mostDelayUs } from './model-config.ts';

/** Answers that a model with `response_cache` remembers. */
const cachedAnswers = 10_000;
/** What Triton may be told and an endpoint may not have: more than enough of each. */
const mostRows = 65_536;
const mostWaitingRows = 1_000_000;
const mostTimeoutUs = 3_600_000_000;
/** The parameter of a configuration that holds options of the endpoint as JSON. */
const optionsParameter = 'millrace.options';

const givenOptionsSchema = endpointOptionsSchema.partial();

/**
 * What a model's configuration says of batching, queueing and caching, in the options that the data plane obeys; what
 * Triton has no field for (limits, keys, what is logged) comes as JSON in the parameter `millrace.options`, and goes
 * before. Throws an Error that says what is wrong with it.
 *
 * @param requireKey whether models ask for a key that say nothing of it
 */
export function optionsOf(config: ModelConfig, requireKey = false): EndpointOptions {
  const { dynamic_batching: batching, max_batch_size: largest = 0, response_cache: cache } = config;
  const preferred = batching?.preferred_batch_size ?? [];
  const policy = batching?.default_queue_policy;
  const maxRows = preferred.length > 0 ? Math.max(...preferred) : largest;
  const parsed = endpointOptionsSchema.safeParse({
    batching: {
      maxRows: maxRows > 0 ? Math.min(maxRows, mostRows) : null,
      maxDelayUs: Math.min(batching?.max_queue_delay_microseconds ?? 0, mostDelayUs),
      ...(policy && policy.max_queue_size > 0
        ? { maxWaitingRows: Math.min(policy.max_queue_size, mostWaitingRows) }
        : {}),
    },
    timeoutMs:
      policy && policy.default_timeout_microseconds > 0
        ? Math.max(1, Math.round(Math.min(policy.default_timeout_microseconds, mostTimeoutUs) / 1000))
        : null,
    cache: cache?.enable ? { maxEntries: cachedAnswers } : null,
    requireKey,
    ...givenOptions(config.parameters?.[optionsParameter]?.string_value),
  });
  if (!parsed.success) throw new Error(`the configuration: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function givenOptions(text: string | undefined): z.input<typeof givenOptionsSchema> {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`the parameter ${optionsParameter} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = givenOptionsSchema.safeParse(value);
  if (!parsed.success) throw new Error(`the parameter ${optionsParameter}: ${z.prettifyError(parsed.error)}`);
  // As it was given: what it leaves out is no default, but what the rest of the configuration says.
  return value as z.input<typeof givenOptionsSchema>;
}

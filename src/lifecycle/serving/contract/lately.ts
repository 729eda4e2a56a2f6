import { z } from 'zod';

/**
 * What an endpoint was asked in the last five minutes of the wall clock, as its replicas count it. Copies in shadow are
 * not among them.
 */
export const latelySchema = z.object({
  predictions: z.int().min(0),
  /** Of them, those that the server or the model failed to answer (500 and above). */
  failed: z.int().min(0),
  /** Of them, those that were refused because of what the caller sent (400 to 499). Replicas of before do not tell. */
  refused: z.int().min(0).default(0),
});
export type LatelyAsked = z.infer<typeof latelySchema>;

/** By name, or those with the most `lately` first. */
export const endpointOrderSchema = z.enum(['name', 'predictions', 'failed']);
export type EndpointOrder = z.infer<typeof endpointOrderSchema>;

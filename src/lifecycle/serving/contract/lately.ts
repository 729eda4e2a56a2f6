import { z } from 'zod';

/**
 * What an endpoint was asked in the last five minutes of the wall clock, as its replicas count it: predictions, and
 * those of them that were answered with an error. Copies in shadow are not among them.
 */
export const latelySchema = z.object({ predictions: z.int().min(0), failed: z.int().min(0) });
export type LatelyAsked = z.infer<typeof latelySchema>;

/** By name, or those with the most `lately` first. */
export const endpointOrderSchema = z.enum(['name', 'predictions', 'failed']);
export type EndpointOrder = z.infer<typeof endpointOrderSchema>;

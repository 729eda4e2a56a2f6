import { z } from 'zod';

const watermarkMode = z.enum(['live', 'replay']);
export type WatermarkMode = z.infer<typeof watermarkMode>;

export const watermarkResource = z.object({
  stream: z.string(),
  /** live: the wall clock less the allowed delay; replay: advanced by whoever replays. */
  mode: watermarkMode,
  /** Everything that happened before this time is known. Null before a replay's first advance. */
  watermark: z.string().nullable(),
  allowedDelayMs: z.number(),
});
export type WatermarkResource = z.infer<typeof watermarkResource>;

export const watermarkChange = z
  .strictObject({
    mode: watermarkMode.optional(),
    /** Advance to this time (replay only). */
    to: z.string().optional(),
    allowedDelayMs: z.number().int().min(0).optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'give at least one of mode, to, allowedDelayMs');

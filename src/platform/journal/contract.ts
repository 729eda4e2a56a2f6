import { z } from 'zod';

/** An event as the feed and the stream of server-sent events show it. */
export const eventResource = z.object({
  seq: z.number().int(),
  type: z.string(),
  subject: z.object({ kind: z.string(), id: z.string() }),
  data: z.record(z.string(), z.unknown()),
  eventTime: z.string().nullable(),
  at: z.string(),
});
export type EventResource = z.infer<typeof eventResource>;

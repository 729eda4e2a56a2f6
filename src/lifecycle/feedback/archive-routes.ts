import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { z } from 'zod';
import { defineRoute, type Route } from '../../platform/http/index.ts';
import { compactedSchema, compactPredictionsSchema, predictionsFilterSchema } from './contract.ts';
import type { FeedbackService } from './service.ts';

/** The routes that change or take out what is in the log. */
export function archiveRoutes(service: FeedbackService): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/prediction-exports',
      summary: 'Predictions that pass a filter, with their labels, as a Parquet file',
      permission: 'read',
      query: predictionsFilterSchema,
      // A feature may be an empty text.
      emptyQuery: ['value'],
      response: z.string().describe('Parquet (application/vnd.apache.parquet)'),
      handle: async ({ query }, { actor, reply, signal }) => {
        const path = service.temporaryFile();
        const remove = () => rm(path, { force: true });
        try {
          const rows = await service.exportTo(actor, query, path, signal);
          reply.header('content-type', 'application/vnd.apache.parquet');
          reply.header('content-disposition', `attachment; filename="${query.endpoint}.parquet"`);
          reply.header('millrace-rows', String(rows));
          reply.header('content-length', (await stat(path)).size);
          const file = createReadStream(path);
          file.once('close', () => void remove());
          return file;
        } catch (error) {
          await remove();
          if (!reply.raw.closed) throw signal.aborted ? signal.reason : error;
          // Who asked has gone: nobody is to be answered.
          return reply.hijack();
        }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/prediction-compactions',
      summary: 'Makes few large segments of many small ones now, and removes what is too old',
      permission: 'feedback:write',
      body: compactPredictionsSchema,
      response: compactedSchema,
      handle: ({ body }, { actor }) => service.compact(actor, body.endpoint, body.force),
    }),
  ];
}

import { z } from 'zod';
import { defineRoute, type Route } from '../../platform/http/index.ts';
import { labelQueryInputSchema, labelQueryRunSchema, labelQuerySchema } from './contract.ts';
import type { FeedbackService } from './service.ts';

const queryParams = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'expected letters, digits, dot, dash or underscore'),
});

/** Queries that bring labels from a database. */
export function labelQueryRoutes({ labels }: FeedbackService): readonly Route[] {
  return [
    defineRoute({
      method: 'PUT',
      path: '/api/v1/label-queries/:name',
      summary: 'Declares a query against a database table whose rows are labels',
      permission: 'feedback:write',
      params: queryParams,
      body: labelQueryInputSchema,
      response: labelQuerySchema,
      handle: ({ params, body }, { actor }) => labels.putQuery(actor, params.name, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/label-queries',
      summary: 'Lists label queries with their watermarks and last runs',
      permission: 'read',
      response: z.object({ items: z.array(labelQuerySchema) }),
      handle: async (_input, { actor }) => ({ items: [...(await labels.listQueries(actor))] }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/label-queries/:name/run',
      summary: 'Runs a label query now and answers with what came of it',
      permission: 'feedback:write',
      params: queryParams,
      response: labelQueryRunSchema,
      handle: ({ params }, { actor }) => labels.runQuery(actor, params.name),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/label-queries/:name',
      summary: 'Removes a label query; labels that it brought stay',
      permission: 'feedback:write',
      params: queryParams,
      response: z.strictObject({ removed: z.literal(true) }),
      handle: async ({ params }, { actor }) => {
        await labels.removeQuery(actor, params.name);
        return { removed: true } as const;
      },
    }),
  ];
}

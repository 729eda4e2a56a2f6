import { Readable } from 'node:stream';
import { z } from 'zod';
import { defineRoute, pageOf, pageQuery, type Route, readPage } from '../../platform/http/index.ts';
import { cardMarkdown } from './card-markdown.ts';
import {
  auditEntrySchema,
  auditQuerySchema,
  eraseEntitySchema,
  erasureSchema,
  modelCardSchema,
} from './contract.ts';
import type { ErasureService } from './erasure-service.ts';
import type { GovernanceService } from './governance-service.ts';

export function governanceRoutes(governance: GovernanceService, erasures: ErasureService): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/audit-entries',
      summary: 'Who did what to what, when and why, newest first',
      permission: 'read',
      query: auditQuerySchema,
      response: pageOf(auditEntrySchema),
      handle: ({ query: { after, limit, ...filter } }, { actor }) =>
        readPage(
          { after, limit },
          (page) => governance.auditEntries(actor, { ...filter, ...page }),
          (entry) => entry.id,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/registered-models/:name/versions/:version/card',
      summary:
        'The model card of a version, from recorded evidence; as Markdown with Accept: text/markdown or format=markdown',
      permission: 'read',
      params: z.strictObject({ name: z.string(), version: z.string() }),
      query: z.strictObject({ format: z.enum(['json', 'markdown']).optional() }),
      response: modelCardSchema,
      handle: async ({ params, query }, { actor, request, reply }) => {
        const card = await governance.modelCard(actor, params.name, params.version);
        const asked = request.headers.accept?.includes('text/markdown') ? 'markdown' : 'json';
        if ((query.format ?? asked) === 'json') return card;
        reply.type('text/markdown; charset=utf-8');
        return Readable.from([cardMarkdown(card)]);
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/erasures',
      summary:
        'Erases an entity from the prediction log, its labels, and files made of them, for good; begun with the answer',
      permission: 'feedback:write',
      body: eraseEntitySchema,
      response: erasureSchema,
      status: 202,
      handle: ({ body }, { actor }) => erasures.begin(actor, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/erasures',
      summary: 'Erasures, newest first; none names whom',
      permission: 'read',
      query: pageQuery,
      response: pageOf(erasureSchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          (page) => erasures.list(actor, page),
          (erasure) => erasure.id,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/erasures/:id',
      summary: 'One erasure: how far it is, and what went',
      permission: 'read',
      params: z.strictObject({ id: z.string() }),
      response: erasureSchema,
      handle: ({ params }, { actor }) => erasures.get(actor, params.id),
    }),
  ];
}

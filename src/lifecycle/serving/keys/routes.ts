import { z } from 'zod';
import { defineRoute, pageOf, pageQuery, type Route, readPage } from '../../../platform/http/index.ts';
import {
  createdEndpointKeySchema,
  createEndpointKeySchema,
  endpointKeySchema,
  revokeEndpointKeySchema,
} from './contract.ts';
import type { KeyService } from './key-service.ts';

export function keyRoutes(service: KeyService): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/endpoint-keys',
      summary: 'Makes a key for endpoints; it is told only now',
      permission: 'serving:write',
      body: createEndpointKeySchema,
      response: createdEndpointKeySchema,
      status: 201,
      handle: ({ body }, { actor, reply }) => {
        reply.header('cache-control', 'no-store');
        return service.create(actor, body);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/endpoint-keys',
      summary: 'Lists keys of endpoints, newest first, without the keys themselves',
      permission: 'read',
      query: pageQuery,
      response: pageOf(endpointKeySchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          ({ limit, afterId }) => service.list(actor, { limit, beforeId: afterId }),
          (key) => key.id,
        ),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/endpoint-keys/:id/revoke',
      summary: 'Ends a key at once',
      permission: 'serving:write',
      params: z.strictObject({ id: z.string().min(1).max(200) }),
      body: revokeEndpointKeySchema,
      response: endpointKeySchema,
      handle: ({ params, body }, { actor }) => service.revoke(actor, params.id, body.reason),
    }),
  ];
}

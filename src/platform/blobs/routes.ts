import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { type Digest, isDigest } from '../../core/json.ts';
import { authorize } from '../access/index.ts';
import { defineRoute, type Route } from '../http/index.ts';
import type { BlobStore } from './port.ts';

const digestParams = z.object({
  digest: z.custom<Digest>(
    (value) => typeof value === 'string' && isDigest(value),
    'must be sha256: and 64 hex digits',
  ),
});

const blobInfo = z.object({ digest: z.string(), sizeBytes: z.number() });

/** Blobs by digest, for workers and replicas. */
export function blobRoutes(blobs: BlobStore): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/blobs/:digest',
      summary: 'The bytes of a blob',
      permission: 'read',
      params: digestParams,
      response: z.unknown(),
      async handle({ params }, { actor, reply }) {
        authorize(actor, 'read');
        const info = await blobs.info(params.digest);
        if (!info) throw fail('blob_missing', { digest: params.digest });
        reply.header('content-type', 'application/octet-stream');
        reply.header('content-length', info.sizeBytes);
        reply.header('cache-control', 'public, max-age=31536000, immutable');
        return blobs.get(params.digest);
      },
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/v1/blobs/:digest',
      summary: 'Store bytes under the digest that they have',
      permission: 'data:write',
      params: digestParams,
      bodyKind: 'raw',
      response: blobInfo,
      async handle({ params }, { actor, request }) {
        authorize(actor, 'data:write');
        return blobs.put(request.raw, params.digest);
      },
    }),
  ];
}

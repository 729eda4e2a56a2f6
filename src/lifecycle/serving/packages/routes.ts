import { z } from 'zod';
import { digestSchema } from '../../../core/model-package.ts';
import { defineRoute, type Route } from '../../../platform/http/index.ts';
import { createdPackageSchema, createPackageSchema } from './contract.ts';
import type { PackageService } from './package-service.ts';
import type { RemoteSecrets } from './remote-secrets.ts';

export function packageRoutes(service: PackageService, secrets: RemoteSecrets): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/packages',
      summary: 'Registers a version that another server computes, or that is made of other packages',
      permission: 'registry:write',
      body: createPackageSchema,
      response: createdPackageSchema,
      handle: ({ body }, { actor }) => service.create(actor, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/package-secrets/:digest',
      summary: 'The part of a package with a password, for the replicas and workers that load it',
      permission: 'serving:write',
      params: z.strictObject({ digest: digestSchema }),
      response: z.unknown(),
      async handle({ params }, { actor, reply }) {
        const text = await secrets.open(actor, params.digest);
        reply.header('content-type', 'application/octet-stream');
        reply.header('cache-control', 'no-store');
        return text;
      },
    }),
  ];
}

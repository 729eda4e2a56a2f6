import { defineRoute, type Route } from '../../../platform/http/index.ts';
import { createdPackageSchema, createPackageSchema } from './contract.ts';
import type { PackageService } from './package-service.ts';

export function packageRoutes(service: PackageService): readonly Route[] {
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
  ];
}

import { z } from 'zod';
import { digestSchema, modelSignatureSchema, packageManifestSchema } from '../../../core/model-package.ts';
import { graphRuntimeSchema, remoteRuntimeSchema } from '../../../core/package-runtime.ts';

/** `POST /api/v1/packages`: registers a version that another server computes, or that is made of other packages. */
export const createPackageSchema = z.strictObject({
  /** Registered model that gets the version; created when it does not exist yet. */
  model: z.string().min(1),
  runtime: z.discriminatedUnion('kind', [
    /**
     * `binary` left out: as the server says. A password in `url` is kept encrypted and shown as ***, which stands for it
     * in packages that are made later.
     */
    remoteRuntimeSchema.omit({ secret: true }).extend({ binary: z.boolean().optional() }).strict(),
    graphRuntimeSchema.strict(),
  ]),
  description: z.string().max(5000).default(''),
});
export type CreatePackage = z.infer<typeof createPackageSchema>;

export const createdPackageSchema = z.object({
  model: z.string(),
  /** The registered version; the same package again is the same version. */
  version: z.int(),
  digest: digestSchema,
  signature: modelSignatureSchema,
  score: packageManifestSchema.shape.score,
});
export type CreatedPackage = z.infer<typeof createdPackageSchema>;

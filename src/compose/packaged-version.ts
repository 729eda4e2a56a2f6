import { fail } from '../core/errors.ts';
import type { Digest } from '../core/json.ts';
import type { Registry, VersionRecord } from '../lifecycle/registry/index.ts';
import { systemActor } from '../platform/access/index.ts';

/** A registered version that can be served. */
export type PackagedVersion = VersionRecord & { readonly digest: Digest };

/**
 * The one way from a registered model's version, as a number or as text, to its package.
 * Throws `registered_model_unknown`, `version_unknown`, `version_not_packaged`.
 */
export async function packagedVersion(
  registry: Pick<Registry, 'getVersion'>,
  model: string,
  version: string | number,
): Promise<PackagedVersion> {
  return requirePackaged(await registry.getVersion(systemActor, model, version));
}

/** Throws `version_not_packaged`. */
export function requirePackaged(found: VersionRecord): PackagedVersion {
  const { name, version, digest } = found;
  if (digest === null) throw fail('version_not_packaged', { name, version });
  return { ...found, digest };
}

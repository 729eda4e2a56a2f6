import type { Registry } from '../lifecycle/registry/index.ts';
import { systemActor } from '../platform/access/index.ts';

const versionsAtOnce = 1000;

/** What versions of registered models came from: a purge leaves it, however deleted it is. */
export async function keptByRegistry(registry: Registry) {
  const runIds = new Set<string>();
  const modelIds = new Set<string>();
  const artifactUris = new Set<string>();
  let after: string | undefined;
  do {
    const page = await registry.searchVersions(systemActor, {
      limit: versionsAtOnce,
      ...(after === undefined ? {} : { after }),
    });
    for (const version of page.items) {
      if (version.sourceRunId) runIds.add(version.sourceRunId);
      if (version.modelId) modelIds.add(version.modelId);
      artifactUris.add(version.storageLocation);
    }
    after = page.next ?? undefined;
  } while (after !== undefined);
  return { runIds, modelIds, artifactUris: [...artifactUris] };
}

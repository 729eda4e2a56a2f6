import { aliasOperations } from './service/aliases.ts';
import type { RegistryDeps } from './service/context.ts';
import { historyOperations } from './service/history.ts';
import { modelOperations } from './service/models.ts';
import { promotionOperations } from './service/promotion.ts';
import { protectionOperations } from './service/protections.ts';
import { registryTransfer } from './service/transfer.ts';
import { versionCreation } from './service/version-creation.ts';
import { versionOperations } from './service/versions.ts';

/** The model registry. The first argument of each operation is the actor. */
export function createRegistry(deps: RegistryDeps) {
  return {
    ...modelOperations(deps),
    ...versionOperations(deps),
    ...versionCreation(deps),
    ...aliasOperations(deps),
    ...promotionOperations(deps),
    ...historyOperations(deps),
    ...protectionOperations(deps),
    ...registryTransfer(deps),
  };
}

export type Registry = ReturnType<typeof createRegistry>;

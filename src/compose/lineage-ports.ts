import { type ErrorCode, MillraceError } from '../core/errors.ts';
import { type Digest, isDigest } from '../core/json.ts';
import type { DataService, DatasetVersionSummary } from '../lifecycle/data/index.ts';
import type { LineageDeployment, LineagePorts } from '../lifecycle/registry/index.ts';
import type { PackageService, ServingService } from '../lifecycle/serving/index.ts';
import type { Actor } from '../platform/access/index.ts';

/** A version may have any digest, also one whose content is not kept here. */
const noPackage: ReadonlySet<string> = new Set<ErrorCode>(['blob_missing', 'package_refused']);
/** Dataset versions that are looked through for a digest. */
const page = 1000;

/** What a lineage shows of data and deployments, from the parts that know them. */
export function createLineagePorts(
  data: DataService,
  serving: ServingService,
  packages: PackageService,
): LineagePorts {
  return {
    dataset: async (actor, reference) => {
      const found = isDigest(reference)
        ? await byDigest(data, actor, reference)
        : await byId(data, actor, reference);
      if (!found) return undefined;
      const { id, dataset, version, digest, rows, registeredAt } = found;
      return { id, title: `${dataset} v${version}`, digest, rows, registeredAt };
    },
    graphParts: (digest) => graphParts(packages, digest),
    deployments: async (_actor, model) =>
      (await serving.routeTable()).endpoints
        .filter((route) => route.model === model)
        .flatMap(({ endpoint, arms, shadow }): readonly LineageDeployment[] => [
          ...arms.map(({ arm, modelVersion: version, packageDigest: digest, weight }) => {
            return { endpoint, arm, version, digest, weight };
          }),
          ...(shadow
            ? [
                {
                  endpoint,
                  arm: 'shadow',
                  weight: null,
                  version: shadow.modelVersion,
                  digest: shadow.packageDigest,
                },
              ]
            : []),
        ]),
  };
}

async function graphParts(packages: PackageService, digest: Digest): Promise<readonly Digest[]> {
  try {
    return await packages.graphParts(digest);
  } catch (error) {
    const isNoPackage = error instanceof MillraceError && noPackage.has(error.code);
    if (isNoPackage) return [];
    throw error;
  }
}

async function byId(data: DataService, actor: Actor, id: string): Promise<DatasetVersionSummary | undefined> {
  try {
    return await data.version(actor, id);
  } catch (error) {
    if (error instanceof MillraceError && error.status === 404) return undefined;
    throw error;
  }
}

async function byDigest(
  data: DataService,
  actor: Actor,
  digest: string,
): Promise<DatasetVersionSummary | undefined> {
  for (let afterId: string | undefined; ; ) {
    const versions = await data.versions(actor, { limit: page, afterId });
    const found = versions.find((version) => version.digest === digest || version.sourceDigest === digest);
    if (found || versions.length < page) return found;
    afterId = versions.at(-1)?.id;
  }
}

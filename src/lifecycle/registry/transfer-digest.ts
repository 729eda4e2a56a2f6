import { digestOfJson } from '../../core/json.ts';
import type { TransferRegisteredModel, TransferVersion } from './contract/transfer.ts';

/**
 * The digest of a registered model with its versions and aliases. What not every server tells is left out: deleted
 * versions, the last number that was given, who made a version and the history of aliases.
 */
export function registeredModelDigest(model: TransferRegisteredModel): string {
  const versions = model.versions.filter(({ deleted }) => !deleted).sort((a, b) => a.version - b.version);
  return digestOfJson([
    [model.name, model.description, model.isPrompt, model.createdAtMs, model.updatedAtMs],
    pairs(model.tags),
    model.aliases.map(({ alias, version }) => [alias, version] as const).sort(byKey),
    versions.map(versionParts),
  ]);
}

function versionParts(version: TransferVersion): readonly unknown[] {
  return [
    [version.version, version.status, version.statusMessage, version.stage, version.description],
    [version.source, version.storageLocation, version.runId, version.runLink, version.modelId],
    [version.createdAtMs, version.updatedAtMs],
    [version.digest, version.datasetVersionId, version.datasetDigest, version.signature],
    version.evaluationId,
    pairs(version.tags),
  ];
}

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;

function pairs(tags: TransferRegisteredModel['tags']): readonly (readonly [string, string])[] {
  return tags.map(({ key, value }) => [key, value] as const).sort(byKey);
}

import { formatTime } from '../../core/time.ts';
import type { ModelVersion, RegisteredModel } from './contract.ts';
import type { RegisteredModelRecord, Tag, VersionRecord } from './records.ts';

const textMap = (tags: readonly Tag[]): Record<string, string> =>
  Object.fromEntries(tags.map(({ key, value }) => [key, value]));

export function registeredModelWire(record: RegisteredModelRecord): RegisteredModel {
  return {
    name: record.name,
    description: record.description,
    aliases: Object.fromEntries(record.aliases.map(({ alias, version }) => [alias, version])),
    latestVersion: record.lastVersion === 0 ? null : record.lastVersion,
    previousChampion: record.previousChampion,
    tags: textMap(record.tags),
    createdAt: formatTime(record.createdAtMs),
    updatedAt: formatTime(record.updatedAtMs),
  };
}

export function versionWire(record: VersionRecord): ModelVersion {
  const { name, version, status, statusMessage, stage, description, source, digest, modelId } = record;
  const { sourceRunId, datasetVersionId, datasetDigest, signature, evaluationId, createdBy } = record;
  return {
    name,
    version,
    status,
    statusMessage,
    stage,
    description,
    source,
    digest,
    modelId,
    sourceRunId,
    datasetVersionId,
    datasetDigest,
    signature,
    evaluationId,
    createdBy,
    aliases: [...record.aliases],
    gates: [...record.gates],
    approvals: [...record.approvals],
    tags: textMap(record.tags),
    createdAt: formatTime(record.createdAtMs),
    updatedAt: formatTime(record.updatedAtMs),
  };
}

import type { TransferTag, TransferVersion } from '../contract.ts';

/** What MLflow knows of a model version. */
interface MlflowVersion {
  readonly version: number;
  readonly stage: string;
  readonly status: string;
  readonly statusMessage: string | null;
  readonly description: string;
  readonly source: string;
  readonly storageLocation: string;
  readonly runId: string | null;
  readonly runLink: string | null;
  readonly modelId: string | null;
  /** Empty where it is not told. */
  readonly userId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly tags: TransferTag[];
}

/** The hidden stage of a version that was deleted. */
const deletedStage = 'Deleted_Internal';
const stages = ['None', 'Staging', 'Production', 'Archived'] as const;
const statuses = ['PENDING_REGISTRATION', 'READY', 'FAILED_REGISTRATION'] as const;

/** A version as it travels. */
export function mlflowVersion({ userId, ...version }: MlflowVersion): TransferVersion {
  return {
    ...version,
    stage: stages.find((stage) => stage === version.stage) ?? 'None',
    status: statuses.find((status) => status === version.status) ?? 'READY',
    deleted: version.stage === deletedStage,
    createdBy: userId === '' ? 'import' : `user:${userId}`,
    digest: null,
    datasetVersionId: null,
    datasetDigest: null,
    signature: null,
    evaluationId: null,
  };
}

/** The logged model that a source `models:/m-…` names. */
export function loggedModelOf(source: string): string | null {
  return /^models:\/+(m-[0-9a-f]+)\/?$/.exec(source)?.[1] ?? null;
}

/** Prompts are registered models with this tag. */
export function isPrompt(tags: readonly TransferTag[]): boolean {
  return tags.some((tag) => tag.key === 'mlflow.prompt.is_prompt' && tag.value.toLowerCase() === 'true');
}

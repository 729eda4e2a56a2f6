import type { Digest } from '../../core/json.ts';
import type { AliasMove, Approval, GateRecord, Signature, Stage, VersionStatus } from './contract.ts';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface Alias {
  readonly alias: string;
  readonly version: number;
}

/** A registered model with where its aliases stand. Times are epoch milliseconds. */
export interface RegisteredModelRecord {
  readonly name: string;
  readonly description: string;
  /** Prompts are registered models with a tag; lists of models leave them out. */
  readonly isPrompt: boolean;
  readonly aliases: readonly Alias[];
  readonly tags: readonly Tag[];
  /** The greatest number ever given, 0 for none; numbers are never given twice. */
  readonly lastVersion: number;
  readonly previousChampion: number | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A model version with all that was recorded about it. */
export interface VersionRecord {
  readonly name: string;
  readonly version: number;
  readonly status: VersionStatus;
  readonly statusMessage: string | null;
  readonly stage: Stage;
  readonly description: string;
  /** Its description was taken away, which MLflow's clients tell from an empty one. */
  readonly isUndescribed: boolean;
  readonly source: string;
  /** Where the artifacts lie, with references to logged models resolved. */
  readonly storageLocation: string;
  readonly sourceRunId: string | null;
  readonly runLink: string | null;
  readonly modelId: string | null;
  readonly digest: Digest | null;
  readonly datasetVersionId: string | null;
  readonly datasetDigest: string | null;
  readonly signature: Signature | null;
  readonly evaluationId: string | null;
  readonly aliases: readonly string[];
  readonly tags: readonly Tag[];
  /** The gates of the present evaluation. */
  readonly gates: readonly GateRecord[];
  /** Oldest first. */
  readonly approvals: readonly Approval[];
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export type { AliasMove };

import type { Generated } from 'kysely';
import type { Digest } from '../../../core/json.ts';
import { type Tx, tables } from '../../../platform/db/index.ts';
import type { HistorySubject } from '../contract/history.ts';
import type { AliasMove, Approval, Stage, VersionStatus } from '../contract.ts';

/** The tables of this slice (migrations.ts). Flags are 0 or 1, times epoch milliseconds. */
export interface RegistryTables {
  registered_models: {
    id: Generated<number>;
    name: string;
    description: string;
    is_prompt: number;
    last_version: number;
    previous_champion: number | null;
    created_at_ms: number;
    updated_at_ms: number;
  };
  registered_model_tags: { registered_id: number; key: string; value: string };
  model_versions: {
    registered_id: number;
    version: number;
    status: VersionStatus;
    status_message: string | null;
    stage: Stage;
    deleted: number;
    description: string;
    /** 1: its description was taken away, which MLflow tells from an empty one. */
    undescribed: number;
    source: string;
    storage_location: string;
    run_id: string | null;
    run_link: string | null;
    model_id: string | null;
    digest: Digest | null;
    dataset_version_id: string | null;
    dataset_digest: string | null;
    signature: string | null;
    evaluation_id: string | null;
    created_by: string;
    created_at_ms: number;
    updated_at_ms: number;
  };
  model_version_tags: { registered_id: number; version: number; key: string; value: string };
  model_aliases: { registered_id: number; alias: string; version: number };
  model_alias_moves: {
    id: string;
    registered_id: number;
    alias: string;
    version: number | null;
    previous_version: number | null;
    action: AliasMove['action'];
    moved_by: string;
    reason: string;
    moved_at_ms: number;
  };
  model_changes: {
    id: string;
    registered_id: number;
    version: number | null;
    what: HistorySubject;
    key: string | null;
    before_text: string | null;
    after_text: string | null;
    changed_by: string;
    reason: string;
    changed_at_ms: number;
  };
  model_alias_protections: {
    id: string;
    /** Null: every model. */
    registered_id: number | null;
    pattern: string;
    protected_by: string;
    reason: string;
    created_at_ms: number;
  };
  model_gate_results: {
    registered_id: number;
    version: number;
    evaluation_id: string;
    position: number;
    result: string;
    recorded_at_ms: number;
  };
  model_approvals: {
    id: string;
    registered_id: number;
    version: number;
    decision: Approval['decision'];
    decided_by: string;
    reason: string;
    decided_at_ms: number;
  };
}

export type ModelRow = Omit<RegistryTables['registered_models'], 'id'> & { readonly id: number };
export type VersionRow = RegistryTables['model_versions'];

export const on = (tx: Tx) => tables<RegistryTables>(tx);

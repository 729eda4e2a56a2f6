import type { Generated } from 'kysely';
import type { Digest } from '../../../core/json.ts';
import { type Tx, tables } from '../../../platform/db/index.ts';
import type { LifecycleStage, LoggedModelStatus, MetricDirection, RunStatus } from '../contract.ts';

/** The tables of this slice (migrations.ts). Flags are 0 or 1, times epoch milliseconds. */
export interface ExperimentsTables {
  experiments: {
    id: Generated<number>;
    name: string;
    artifact_location: string;
    lifecycle_stage: LifecycleStage;
    created_at_ms: number;
    updated_at_ms: number;
  };
  experiment_tags: { experiment_id: number; key: string; value: string };
  runs: {
    seq: Generated<number>;
    id: string;
    experiment_id: number;
    name: string;
    user_id: string;
    status: RunStatus;
    start_time_ms: number;
    end_time_ms: number | null;
    lifecycle_stage: LifecycleStage;
    artifact_uri: string;
    step_run_id: string | null;
    heartbeat_ms: number;
  };
  run_params: { run_seq: number; key: string; value: string };
  run_tags: { run_seq: number; key: string; value: string };
  metric_series: {
    id: Generated<number>;
    run_seq: number;
    key: string;
    count: number;
    last_step: number;
    last_time_ms: number;
    last_value: number;
    last_is_nan: number;
    first_step: number;
    first_time_ms: number;
    first_value: number;
    first_is_nan: number;
    /** Extremes and mean are of the points that are numbers, null while there is none. */
    min_value: number | null;
    max_value: number | null;
    /** The smallest step at which the extreme was reached. */
    min_step: number | null;
    max_step: number | null;
    mean_value: number | null;
    nan_count: number;
  };
  /** What somebody said; metrics without a row have the direction that `guessDirection` gives. */
  metric_directions: { experiment_id: number; key: string; direction: MetricDirection };
  run_columns: { experiment_id: number; kind: 'metric' | 'param' | 'tag'; key: string };
  metric_points: { series_id: number; step: number; time_ms: number; value: number; is_nan: number };
  /** Points on their way to metric_points (tail.ts). `seq` is the number of the first of them. */
  metric_tail: { run_seq: number; seq: number; count: number; points: Uint8Array };
  /** Runs whose rows in metric_series lack what is in their tail from `seq` on (settling.ts). */
  metric_unsummed: { run_seq: number; seq: number };
  /** Summaries of consecutive points up to the one named (rollups.ts). */
  metric_rollups: {
    series_id: number;
    end_step: number;
    end_time_ms: number;
    end_value: number;
    end_is_nan: number;
    chunks: Uint8Array;
  };
  input_datasets: {
    id: Generated<number>;
    experiment_id: number;
    name: string;
    digest: string;
    source_type: string;
    source: string;
    schema: string | null;
    profile: string | null;
  };
  run_datasets: { run_seq: number; dataset_id: number };
  run_dataset_tags: { run_seq: number; dataset_id: number; key: string; value: string };
  logged_models: {
    id: string;
    experiment_id: number;
    name: string;
    artifact_uri: string;
    model_type: string | null;
    source_run_id: string | null;
    status: LoggedModelStatus;
    lifecycle_stage: LifecycleStage;
    created_at_ms: number;
    updated_at_ms: number;
  };
  logged_model_params: { model_id: string; key: string; value: string };
  logged_model_tags: { model_id: string; key: string; value: string };
  logged_model_metrics: {
    model_id: string;
    key: string;
    time_ms: number;
    step: number;
    run_id: string;
    value: number;
    dataset_name: string | null;
    dataset_digest: string | null;
  };
  run_models: { run_seq: number; model_id: string; direction: 'input' | 'output'; step: number };
  artifacts: { path: string; digest: Digest; size_bytes: number; created_at_ms: number };
  artifact_uploads: {
    id: string;
    path: string;
    store_upload: string;
    digest: Digest | null;
    created_at_ms: number;
  };
}

export const on = (tx: Tx) => tables<ExperimentsTables>(tx);

/** Collects values by key, keeping their order. */
export function grouped<K, V, T>(rows: readonly T[], key: (row: T) => K, value: (row: T) => V): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(value(row));
    else groups.set(key(row), [value(row)]);
  }
  return groups;
}

/** The last value of each key: one statement may not write a row twice. */
export function lastByKey<T extends { readonly key: string }>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [item.key, item])).values()];
}

export type { Page } from '../../platform/search/index.ts';

import type { LifecycleStage, LoggedModelStatus, MetricDirection, RunStatus } from './contract.ts';
import type { MetricPoint } from './metric-point.ts';
import type { Tag } from './validation.ts';

/** What the slice's services give: frozen data with times as epoch milliseconds. */
export interface ExperimentRecord {
  readonly id: string;
  readonly name: string;
  readonly artifactLocation: string;
  readonly lifecycleStage: LifecycleStage;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly tags: readonly Tag[];
}

export interface RunInfo {
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly userId: string;
  readonly status: RunStatus;
  readonly startTimeMs: number;
  readonly endTimeMs: number | null;
  readonly lifecycleStage: LifecycleStage;
  readonly artifactUri: string;
  readonly stepRunId: string | null;
}

export interface MetricSummaryRecord {
  readonly key: string;
  readonly count: number;
  readonly last: MetricPoint;
  readonly first: MetricPoint;
  /** Extremes and mean are of the points that are numbers, null while there is none. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** The extreme that is better, and the first step that reached it. */
  readonly best: number | null;
  readonly bestStep: number | null;
  readonly direction: MetricDirection;
  /** Nobody has said so: the direction is guessed from the metric's name. */
  readonly isDirectionGuessed: boolean;
}

interface DatasetRecord {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema: string | null;
  readonly profile: string | null;
}

/** A dataset as the runs of an experiment use it; `context` says what for, such as `training`. */
export interface DatasetSummaryRecord {
  readonly experimentId: string;
  readonly name: string;
  readonly digest: string;
  readonly context: string | null;
}

export interface DatasetInputRecord {
  readonly dataset: DatasetRecord;
  readonly tags: readonly Tag[];
}

export interface RunRecord extends RunInfo {
  readonly params: readonly Tag[];
  readonly tags: readonly Tag[];
  readonly metrics: readonly MetricSummaryRecord[];
  readonly inputs: readonly DatasetInputRecord[];
  readonly modelInputs: readonly string[];
  readonly modelOutputs: readonly { readonly modelId: string; readonly step: number }[];
}

export interface LoggedModelMetricRecord {
  readonly key: string;
  readonly value: number;
  readonly step: number;
  readonly timeMs: number;
  readonly runId: string;
  readonly datasetName: string | null;
  readonly datasetDigest: string | null;
}

export interface LoggedModelRecord {
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly artifactUri: string;
  readonly modelType: string | null;
  readonly sourceRunId: string | null;
  readonly status: LoggedModelStatus;
  readonly lifecycleStage: LifecycleStage;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly params: readonly Tag[];
  readonly tags: readonly Tag[];
  readonly metrics: readonly LoggedModelMetricRecord[];
}

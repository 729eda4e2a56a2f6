import { formatTime } from '../../core/time.ts';
import type {
  DatasetInput,
  Experiment,
  LoggedModel,
  MetricBucket,
  MetricSummary,
  MetricValue,
  Run,
} from './contract.ts';
import { type MetricPoint, pointValue } from './metric-point.ts';
import type {
  DatasetInputRecord,
  ExperimentRecord,
  LoggedModelRecord,
  MetricSummaryRecord,
  RunRecord,
} from './records.ts';
import type { ChartBucket } from './store/chart.ts';
import type { Tag } from './validation.ts';

const textMap = (tags: readonly Tag[]): Record<string, string> =>
  Object.fromEntries(tags.map(({ key, value }) => [key, value]));

const metricValue = (value: number): MetricValue => (Number.isNaN(value) ? 'NaN' : value);
const pointWire = (point: MetricPoint): MetricValue => metricValue(pointValue(point));

/** An experiment as our REST API shows it. Of tags with one key the last counts. */
export function experimentWire(record: ExperimentRecord): Experiment {
  const { id, name, artifactLocation, lifecycleStage } = record;
  return {
    id,
    name,
    artifactLocation,
    lifecycleStage,
    createdAt: formatTime(record.createdAtMs),
    updatedAt: formatTime(record.updatedAtMs),
    tags: textMap(record.tags),
  };
}

function summaryWire(summary: MetricSummaryRecord): MetricSummary {
  const { last, first, ...rest } = summary;
  return {
    ...rest,
    last: pointWire(last),
    lastStep: last.step,
    lastTime: formatTime(last.timeMs),
    first: pointWire(first),
  };
}

/**
 * A run as our REST API shows it: times in RFC 3339, NaN as the text `NaN`, `durationMs` null while it runs.
 */
export function runWire(record: RunRecord): Run {
  const { id, name, experimentId, status, lifecycleStage, artifactUri, stepRunId } = record;
  return {
    id,
    name,
    experimentId,
    status,
    lifecycleStage,
    user: record.userId,
    startTime: formatTime(record.startTimeMs),
    endTime: record.endTimeMs === null ? null : formatTime(record.endTimeMs),
    durationMs: record.endTimeMs === null ? null : record.endTimeMs - record.startTimeMs,
    artifactUri,
    stepRunId,
    params: textMap(record.params),
    tags: textMap(record.tags),
    metrics: Object.fromEntries(record.metrics.map((m) => [m.key, summaryWire(m)])),
  };
}

/** A dataset input as our REST API shows it. */
export function datasetWire({ dataset, tags }: DatasetInputRecord): DatasetInput {
  return { ...dataset, tags: textMap(tags) };
}

/** A logged model as our REST API shows it, with one entry for each metric and step. */
export function loggedModelWire(record: LoggedModelRecord): LoggedModel {
  const { id, name, experimentId, sourceRunId, status, modelType, artifactUri } = record;
  return {
    id,
    name,
    experimentId,
    sourceRunId,
    status,
    modelType,
    artifactUri,
    createdAt: formatTime(record.createdAtMs),
    updatedAt: formatTime(record.updatedAtMs),
    params: textMap(record.params),
    tags: textMap(record.tags),
    metrics: record.metrics.map(({ key, value, step }) => ({ key, value: metricValue(value), step })),
  };
}

/** A part of a chart’s line: its last point, and the extremes of all its points; null when all are NaN. */
export function bucketWire({ last, min, max, count }: ChartBucket): MetricBucket {
  return {
    step: last.step,
    time: formatTime(last.timeMs),
    value: pointWire(last),
    min: min?.value ?? null,
    max: max?.value ?? null,
    count,
  };
}

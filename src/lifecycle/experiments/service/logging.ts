import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { checkMetric, type MetricInput } from '../metric-point.ts';
import type { DatasetInputRecord } from '../records.ts';
import { addDatasetInputs, addRunModels } from '../store/inputs.ts';
import { addModelMetrics } from '../store/logged-models.ts';
import { addPoints } from '../store/metrics.ts';
import { batchOfInputs, type PointBatch } from '../store/point-batch.ts';
import { addParams, type RunRow, setRunTags, updateRun } from '../store/runs.ts';
import { Settler } from '../store/settling.ts';
import {
  checkedParam,
  checkedTag,
  checkLength,
  checkRunId,
  invalidParameter,
  type LongValues,
  limits,
  pythonRepr,
  type Tag,
} from '../validation.ts';
import { activeRun, announce, type ExperimentsDeps } from './context.ts';
import { runNameTag } from './runs.ts';

export interface Batch {
  readonly metrics: readonly MetricInput[];
  readonly params: readonly Tag[];
  readonly tags: readonly Tag[];
}

/** How often at most a run's heartbeat is written and `run.logged` is announced. */
const heartbeatIntervalMs = 1000;
const rememberedRuns = 10_000;

/** Writing what a script logs. Each call is one transaction: all of it is kept, or nothing. */
export function loggingOperations(deps: ExperimentsDeps) {
  const { db, clock, longValues = 'cut' } = deps;
  const heartbeats = new Map<string, number>();
  const settler = new Settler(db);

  const beat = async (tx: Tx, run: RunRow): Promise<void> => {
    const nowMs = clock.nowMs();
    const isLost = run.status === 'LOST';
    if (!isLost && nowMs - (heartbeats.get(run.id) ?? 0) < heartbeatIntervalMs) return;
    if (heartbeats.size >= rememberedRuns) heartbeats.clear();
    heartbeats.set(run.id, nowMs);
    await updateRun(tx, run.seq, { heartbeat_ms: nowMs, ...(isLost ? { status: 'RUNNING' } : {}) });
    await announce(deps, tx, 'run.logged', run.id, { experimentId: String(run.experiment_id) });
  };

  const writeMetrics = async (tx: Tx, run: RunRow, metrics: SortedMetrics): Promise<void> => {
    if (metrics.points.keys.length === 0) return;
    await addPoints(tx, run.seq, metrics.points);
    await addModelMetrics(tx, run.id, metrics.ofModels);
  };

  const writeTags = async (tx: Tx, run: RunRow, tags: readonly Tag[]): Promise<void> => {
    await setRunTags(tx, run.seq, tags);
    const name = tags.findLast((tag) => tag.key === runNameTag)?.value;
    if (name) await updateRun(tx, run.seq, { name });
  };

  const writeBatch = async (
    runId: string,
    metrics: SortedMetrics,
    params: readonly Tag[],
    tags: readonly Tag[],
  ): Promise<void> => {
    const runSeq = await db.write(async (tx) => {
      const run = await activeRun(tx, runId);
      const refused = await addParams(tx, run.seq, params);
      if (refused.length > 0) {
        const list = refused.map(
          (p) =>
            `{'key': ${pythonRepr(p.key)}, 'old_value': ${pythonRepr(p.oldValue)}, 'new_value': ${pythonRepr(p.value)}}`,
        );
        throw fail('param_changed', {
          problem: `Params were already logged='[${list.join(', ')}]' for run ID='${runId}'.`,
        });
      }
      await writeMetrics(tx, run, metrics);
      await writeTags(tx, run, tags);
      await beat(tx, run);
      return run.seq;
    });
    const count = metrics.points.keys.length;
    if (count > 0) settler.noted(runSeq, count);
  };

  return {
    /** Throws `tracking_invalid` for a wrong key, time or step; `run_unknown`, `run_inactive`. */
    async metric(actor: Actor, runId: string, metric: MetricInput): Promise<void> {
      authorize(actor, 'experiments:write');
      checkMetric(metric, '');
      const sorted = sortedMetrics([metric]);
      const runSeq = await db.write(async (tx) => {
        const run = await activeRun(tx, runId);
        await writeMetrics(tx, run, sorted);
        await beat(tx, run);
        return run.seq;
      });
      settler.noted(runSeq, 1);
    },

    /** Logging the same value again changes nothing. Throws `param_changed` for another value. */
    async param(actor: Actor, runId: string, param: Tag): Promise<void> {
      authorize(actor, 'experiments:write');
      const checked = checkedParam(param, '', longValues);
      await db.write(async (tx) => {
        const run = await activeRun(tx, runId);
        const [refused] = await addParams(tx, run.seq, [checked]);
        if (refused) {
          throw fail('param_changed', {
            problem: `Param with key='${refused.key}' was already logged with value='${refused.oldValue}' for run ID='${runId}'. Attempted logging new value '${refused.value}'.`,
          });
        }
        await beat(tx, run);
      });
    },

    async tag(actor: Actor, runId: string, tag: Tag): Promise<void> {
      authorize(actor, 'experiments:write');
      const checked = checkedTag(tag, '', longValues);
      await db.write(async (tx) => {
        const run = await activeRun(tx, runId);
        await writeTags(tx, run, [checked]);
        await beat(tx, run);
      });
    },

    /** Metrics, params and tags at once, within MLflow's limits. */
    batch(actor: Actor, runId: string, batch: Batch): Promise<void> {
      // No async function, whose frame would hold the whole batch until it is written.
      return Promise.try(() => {
        authorize(actor, 'experiments:write');
        checkRunId(runId);
        const { metrics, params, tags } = checkedBatch(batch, longValues);
        return writeBatch(runId, sortedMetrics(metrics), params, tags);
      });
    },

    /** Links datasets and models that the run used. */
    async inputs(
      actor: Actor,
      runId: string,
      inputs: { readonly datasets: readonly DatasetInputRecord[]; readonly modelIds: readonly string[] },
    ): Promise<void> {
      authorize(actor, 'experiments:write');
      checkRunId(runId);
      for (const input of inputs.datasets) checkDatasetInput(input);
      await db.write(async (tx) => {
        const run = await activeRun(tx, runId);
        await addDatasetInputs(tx, { seq: run.seq, experimentId: run.experiment_id }, inputs.datasets);
        const models = inputs.modelIds.map((modelId) => ({ modelId, step: 0 }));
        await addRunModels(tx, run.seq, 'input', models);
        await beat(tx, run);
      });
    },

    /** Links models that the run made, at a step. */
    async outputs(
      actor: Actor,
      runId: string,
      models: readonly { readonly modelId: string; readonly step: number }[],
    ): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        const run = await activeRun(tx, runId);
        await addRunModels(tx, run.seq, 'output', models);
        await beat(tx, run);
      });
    },
  };
}

/** What is kept of a batch's metrics until they are written: a request in line should hold little. */
interface SortedMetrics {
  readonly points: PointBatch;
  readonly ofModels: readonly MetricInput[];
}

function sortedMetrics(metrics: readonly MetricInput[]): SortedMetrics {
  return {
    points: batchOfInputs(metrics),
    ofModels: metrics.filter((metric) => metric.modelId !== undefined),
  };
}

function checkedBatch(batch: Batch, longValues: LongValues): Batch {
  const { metrics } = batch;
  metrics.forEach((metric, i) => {
    checkMetric(metric, `metrics[${i}]`);
  });
  const params = batch.params.map((param, i) => checkedParam(param, `params[${i}]`, longValues));
  const tags = batch.tags.map((tag, i) => checkedTag(tag, `tags[${i}]`, longValues));
  checkCount('metrics', limits.metricsPerBatch, metrics.length);
  checkCount('params', limits.paramsPerBatch, params.length);
  checkCount('tags', limits.tagsPerBatch, tags.length);
  const total = metrics.length + params.length + tags.length;
  checkCount('metrics, params, and tags', limits.entitiesPerBatch, total);
  const seen = new Set<string>();
  const duplicates = params.map((p) => p.key).filter((key) => seen.size === seen.add(key).size);
  if (duplicates.length > 0) {
    throw invalidParameter(
      `Duplicate parameter keys have been submitted: [${duplicates.map(pythonRepr).join(', ')}]. Please ensure the request contains only one param value per param key.`,
    );
  }
  return { metrics, params, tags };
}

function checkCount(what: string, limit: number, count: number): void {
  if (count <= limit) return;
  throw invalidParameter(
    `A batch logging request can contain at most ${limit} ${what}. Got ${count} ${what}. Please split up ${what} across multiple requests and try again.`,
  );
}

function checkDatasetInput({ dataset, tags }: DatasetInputRecord): void {
  checkLength('name', limits.datasetNameLength, dataset.name);
  checkLength('digest', limits.datasetDigestLength, dataset.digest);
  checkLength('source', limits.datasetSourceLength, dataset.source);
  checkLength('schema', limits.datasetSchemaLength, dataset.schema ?? '');
  checkLength('profile', limits.datasetProfileLength, dataset.profile ?? '');
  for (const tag of tags) {
    checkLength('key', limits.inputTagKeyLength, tag.key);
    checkLength('value', limits.inputTagValueLength, tag.value);
  }
}

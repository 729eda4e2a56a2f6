import type { Database, Tx } from '../../platform/db/index.ts';
import type { ItemFacts, TransferFile, TransferModel, TransferRun } from './contract/transfer.ts';
import type { MetricPoint } from './metric-point.ts';
import type { LoggedModelRecord, RunRecord } from './records.ts';
import { filesUnder } from './service/artifacts.ts';
import { hydrateRuns } from './store/hydrate.ts';
import { hydrateModels, type LoggedModelRow } from './store/logged-models.ts';
import type { RunRow } from './store/runs.ts';
import { settlePoints } from './store/settling.ts';
import { pointsAfter, seriesOfRun } from './store/transfer-rows.ts';
import { modelFacts, type PointColumns, PointsDigest, runFacts } from './transfer-digest.ts';

const pointsPerRead = 50_000;

/** A run as it travels. */
export function transferRun(run: RunRecord): TransferRun {
  return {
    id: run.id,
    experimentId: run.experimentId,
    name: run.name,
    userId: run.userId,
    status: run.status,
    startTimeMs: run.startTimeMs,
    endTimeMs: run.endTimeMs,
    lifecycleStage: run.lifecycleStage,
    artifactUri: run.artifactUri,
    params: [...run.params],
    tags: [...run.tags],
    inputs: run.inputs.map(({ dataset, tags }) => ({ ...dataset, tags: [...tags] })),
    modelInputs: [...run.modelInputs],
    modelOutputs: [...run.modelOutputs],
  };
}

/** A logged model as it travels. */
export function transferModel(model: LoggedModelRecord): TransferModel {
  return {
    id: model.id,
    experimentId: model.experimentId,
    name: model.name,
    artifactUri: model.artifactUri,
    modelType: model.modelType,
    sourceRunId: model.sourceRunId,
    status: model.status,
    lifecycleStage: model.lifecycleStage,
    createdAtMs: model.createdAtMs,
    updatedAtMs: model.updatedAtMs,
    params: [...model.params],
    tags: [...model.tags],
    metrics: [...model.metrics],
  };
}

/** What is compared of each run, by its id; read from the tables as they are now. */
export async function factsOfRuns(
  db: Database,
  rows: readonly RunRow[],
): Promise<ReadonlyMap<string, ItemFacts>> {
  const tx = db.read;
  const facts = new Map<string, ItemFacts>();
  const runs = await hydrateRuns(tx, rows);
  for (const [i, row] of rows.entries()) {
    const run = runs[i];
    if (!run) continue;
    await settlePoints(db, row.seq);
    const points = new PointsDigest();
    for (const { id, key } of await seriesOfRun(tx, row.seq)) {
      for await (const part of pointParts(tx, id)) points.add(key, part);
    }
    facts.set(row.id, runFacts(transferRun(run), points, await filesOf(tx, row.artifact_uri)));
  }
  return facts;
}

/** What is compared of each logged model, by its id. */
export async function factsOfModels(
  tx: Tx,
  rows: readonly LoggedModelRow[],
): Promise<ReadonlyMap<string, ItemFacts>> {
  const facts = new Map<string, ItemFacts>();
  const models = await hydrateModels(tx, rows);
  for (const [i, row] of rows.entries()) {
    const model = models[i];
    if (model) facts.set(row.id, modelFacts(transferModel(model), await filesOf(tx, row.artifact_uri)));
  }
  return facts;
}

/** Files below an artifact root that this server keeps; none for other roots. */
export async function filesOf(tx: Tx, artifactUri: string): Promise<readonly TransferFile[]> {
  return filesUnder(tx, artifactUri);
}

/** All points of a series, ascending, in parts. */
async function* pointParts(tx: Tx, seriesId: number): AsyncGenerator<PointColumns> {
  let after: MetricPoint | null = null;
  for (;;) {
    const rows: Awaited<ReturnType<typeof pointsAfter>> = await pointsAfter(
      tx,
      seriesId,
      after,
      pointsPerRead,
    );
    if (rows.length === 0) return;
    yield {
      steps: rows.map((row) => row.step),
      timesMs: rows.map((row) => row.time_ms),
      values: rows.map((row) => row.value),
      nans: rows.map((row) => row.is_nan === 1),
    };
    const last = rows.at(-1);
    if (!last || rows.length < pointsPerRead) return;
    after = { step: last.step, timeMs: last.time_ms, value: last.value, isNan: last.is_nan === 1 };
    // Others get their turn between parts of a long history.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

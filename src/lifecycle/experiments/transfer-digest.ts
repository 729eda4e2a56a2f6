import { createHash } from 'node:crypto';
import { digestOf, digestOfJson } from '../../core/json.ts';
import type {
  ItemFacts,
  TransferFile,
  TransferModel,
  TransferRun,
  TransferTag,
} from './contract/transfer.ts';

/** Distinct points of one metric by columns, ascending by (step, time, value, NaN flag). A NaN has the value 0. */
export interface PointColumns {
  readonly steps: readonly number[];
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
  readonly nans: readonly boolean[];
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const pairs = (tags: readonly TransferTag[]): readonly (readonly [string, string])[] =>
  tags.map(({ key, value }) => [key, value] as const).sort(([a], [b]) => byText(a, b));

/** The digest of a run without its points and files, and without what an import may change: where it lies. */
export function runRecordDigest(run: TransferRun): string {
  const inputs = run.inputs.map((input) =>
    digestOfJson([
      [input.name, input.digest, input.sourceType, input.source, input.schema, input.profile],
      pairs(input.tags),
    ]),
  );
  const outputs = run.modelOutputs.map(({ modelId, step }) => `${modelId} ${step}`);
  return digestOfJson([
    [run.id, run.name, run.userId, run.status, run.startTimeMs, run.endTimeMs, run.lifecycleStage],
    pairs(run.params),
    pairs(run.tags),
    inputs.sort(byText),
    [...new Set(run.modelInputs)].sort(byText),
    outputs.sort(byText),
  ]);
}

/** The digest of a logged model without its files and where it lies. */
export function modelRecordDigest(model: TransferModel): string {
  const metrics = model.metrics.map((m) =>
    digestOfJson([m.key, m.value, m.step, m.timeMs, m.runId, m.datasetName, m.datasetDigest]),
  );
  return digestOfJson([
    [model.id, model.name, model.modelType, model.sourceRunId, model.status, model.lifecycleStage],
    [model.createdAtMs, model.updatedAtMs],
    pairs(model.params),
    pairs(model.tags),
    metrics.sort(byText),
  ]);
}

/** The digest of files by path, digest and size. */
function filesDigest(files: readonly TransferFile[]): string {
  const lines = files.map((file) => [file.path, file.digest, file.sizeBytes] as const);
  return digestOfJson(lines.sort(([a], [b]) => byText(a, b)));
}

/** Collects the digest of all points of a run: metrics in any order, the points of each in parts, in their order. */
export class PointsDigest {
  readonly #series = new Map<string, { readonly hash: ReturnType<typeof createHash>; count: number }>();

  add(key: string, points: PointColumns): void {
    let series = this.#series.get(key);
    if (!series) {
      series = { hash: createHash('sha256'), count: 0 };
      this.#series.set(key, series);
    }
    const count = points.steps.length;
    const rows = new Float64Array(count * 4);
    for (let i = 0; i < count; i++) {
      rows[i * 4] = points.steps[i] ?? 0;
      rows[i * 4 + 1] = points.timesMs[i] ?? 0;
      // Adding 0 makes -0 plain 0, which is what JSON makes of it.
      rows[i * 4 + 2] = (points.values[i] ?? 0) + 0;
      rows[i * 4 + 3] = points.nans[i] ? 1 : 0;
    }
    series.hash.update(new Uint8Array(rows.buffer));
    series.count += count;
  }

  get count(): number {
    let count = 0;
    for (const series of this.#series.values()) count += series.count;
    return count;
  }

  /** The digest of what was added. Nothing may be added after it. */
  digest(): string {
    const lines = [...this.#series].map(
      ([key, { hash, count }]) => [key, count, hash.digest('hex')] as const,
    );
    return digestOfJson(lines.filter(([, count]) => count > 0).sort(([a], [b]) => byText(a, b)));
  }
}

/** What is compared of a run. */
export function runFacts(run: TransferRun, points: PointsDigest, files: readonly TransferFile[]): ItemFacts {
  return {
    record: runRecordDigest(run),
    metrics: points.digest(),
    params: run.params.length,
    tags: run.tags.length,
    inputs: run.inputs.length,
    points: points.count,
    ...fileFacts(files),
  };
}

/** What is compared of a logged model; its metrics are part of its record. */
export function modelFacts(model: TransferModel, files: readonly TransferFile[]): ItemFacts {
  return {
    record: modelRecordDigest(model),
    metrics: digestOf(''),
    params: model.params.length,
    tags: model.tags.length,
    inputs: 0,
    points: model.metrics.length,
    ...fileFacts(files),
  };
}

function fileFacts(files: readonly TransferFile[]) {
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return { artifacts: filesDigest(files), files: files.length, sizeBytes };
}

import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { z } from 'zod';
import { streamed } from '../../../platform/client/index.ts';
import type { Api } from '../api.ts';
import {
  type ExperimentCheck,
  experimentCheckSchema,
  type Import,
  type ImportedRegisteredModel,
  type ItemFacts,
  type ItemTodo,
  importedRegisteredModelsSchema,
  importSchema,
  itemTodosSchema,
  type PlacedExperiment,
  placedExperimentsSchema,
  type TransferExperiment,
  type TransferFile,
  type TransferModel,
  type TransferRegisteredModel,
  type TransferRun,
  type TransferSeries,
  transferFileSchema,
} from '../contract.ts';

type Stamped<T> = T & { readonly stamp: string };
type Kind = 'run' | 'logged-model';

const pointsPerRequest = 20_000;
const none = z.unknown();

/** One import as the server that takes it in sees it. */
export class ImportTarget {
  readonly id: string;
  readonly source: string;
  readonly #api: Api;
  #series: TransferSeries[] = [];
  #points = 0;
  #sending: Promise<unknown> = Promise.resolve();

  private constructor(api: Api, started: Import) {
    this.#api = api;
    this.id = started.id;
    this.source = started.source;
  }

  /** Begins the import of a source, or goes on with the one that was cut off. */
  static async start(api: Api, source: string): Promise<ImportTarget> {
    return new ImportTarget(api, await api.post('imports', { source }, importSchema));
  }

  async placeExperiments(experiments: readonly TransferExperiment[]): Promise<readonly PlacedExperiment[]> {
    const body = { experiments };
    const answer = await this.#api.post(`imports/${this.id}/experiments`, body, placedExperimentsSchema);
    return answer.experiments;
  }

  async runs(runs: readonly Stamped<TransferRun>[]): Promise<readonly ItemTodo[]> {
    return (await this.#api.post(`imports/${this.id}/runs`, { runs }, itemTodosSchema)).items;
  }

  async models(models: readonly Stamped<TransferModel>[]): Promise<readonly ItemTodo[]> {
    return (await this.#api.post(`imports/${this.id}/logged-models`, { models }, itemTodosSchema)).items;
  }

  /** Adds points; they are sent when enough have come together, one request after the other. */
  async addPoints(series: TransferSeries): Promise<void> {
    for (let from = 0; from < series.values.length; ) {
      const room = pointsPerRequest - this.#points;
      const to = Math.min(series.values.length, from + room);
      this.#series.push({
        ...series,
        steps: series.steps.slice(from, to),
        timesMs: series.timesMs.slice(from, to),
        values: series.values.slice(from, to),
      });
      this.#points += to - from;
      from = to;
      if (this.#points >= pointsPerRequest) await this.#send();
    }
  }

  /** Sends what is collected, and waits until all of it is there. */
  async flush(): Promise<void> {
    if (this.#points > 0) await this.#send();
    await this.#sending;
  }

  /** Hands the collected points to the one request that may be under way; the next is read meanwhile. */
  async #send(): Promise<void> {
    const series = this.#series;
    this.#series = [];
    this.#points = 0;
    await this.#sending;
    this.#sending = this.#api.post(`imports/${this.id}/metrics`, { series }, none);
    // A failure is reported by whoever waits for it next.
    this.#sending.catch(() => {});
  }

  /** Stores a file as it streams in; gives the digest and size of what the source gave. */
  async putFile(kind: Kind, id: string, path: string, source: Readable): Promise<TransferFile> {
    const { stream, seen } = measured(source);
    const query = new URLSearchParams({ kind, id, path });
    const headers = { 'content-type': 'application/octet-stream' };
    const url = `/api/v1/imports/${this.id}/artifacts?${query}`;
    const response = await this.#api.client.fetch(url, { ...streamed(stream), method: 'PUT', headers });
    transferFileSchema.parse(await response.json());
    return { path, ...seen() };
  }

  /** Removes what an attempt that was cut off stored of an item's files. */
  async clearFiles(kind: Kind, id: string): Promise<void> {
    const query = new URLSearchParams({ kind, id });
    await this.#api.client.fetch(`/api/v1/imports/${this.id}/artifacts?${query}`, { method: 'DELETE' });
  }

  async complete(
    items: readonly { readonly kind: Kind; readonly id: string; readonly source: ItemFacts }[],
  ): Promise<void> {
    if (items.length > 0) await this.#api.post(`imports/${this.id}/items`, { items }, none);
  }

  async registeredModels(
    models: readonly TransferRegisteredModel[],
  ): Promise<readonly ImportedRegisteredModel[]> {
    const body = { source: this.source, models };
    const schema = importedRegisteredModelsSchema;
    return (await this.#api.post('imports/registered-models', body, schema)).models;
  }

  async check(experimentId: string): Promise<ExperimentCheck> {
    return this.#api.get(`imports/${this.id}/check`, experimentCheckSchema, { experimentId });
  }

  async finish(agrees: boolean, counts: Readonly<Record<string, number>>): Promise<void> {
    await this.#api.post(`imports/${this.id}/finish`, { agrees, counts }, importSchema);
  }
}

/** Reads a stream through, and tells at its end how many bytes it had and their digest. */
export function measured(source: Readable) {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  source.once('error', (error) => stream.destroy(error));
  source.pipe(stream);
  return { stream, seen: () => ({ digest: `sha256:${hash.digest('hex')}`, sizeBytes }) };
}

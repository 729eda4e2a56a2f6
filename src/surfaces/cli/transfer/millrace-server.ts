import type { Readable } from 'node:stream';
import { z } from 'zod';
import { isDigest } from '../../../core/json.ts';
import { type Api, part } from '../api.ts';
import {
  type TransferExperiment,
  type TransferFile,
  type TransferModel,
  type TransferRegisteredModel,
  type TransferRun,
  type TransferSeries,
  transferExperimentSchema,
  transferFileSchema,
  transferModelSchema,
  transferRegisteredModelSchema,
  transferRunSchema,
  transferSeriesSchema,
} from '../contract.ts';

/** Everything of a Millrace server as it is read out for an export, page by page. */
export class MillraceServer {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  experiments(): AsyncGenerator<TransferExperiment> {
    return this.#pages('experiments', transferExperimentSchema, {}, 500);
  }

  runs(experimentId: string): AsyncGenerator<TransferRun> {
    return this.#pages('runs', transferRunSchema, { experimentId }, 200);
  }

  models(experimentId: string): AsyncGenerator<TransferModel> {
    return this.#pages('logged-models', transferModelSchema, { experimentId }, 200);
  }

  registeredModels(): AsyncGenerator<TransferRegisteredModel> {
    return this.#pages('registered-models', transferRegisteredModelSchema, {}, 50);
  }

  /** Points of all metrics of a run, in parts. */
  async *metrics(runId: string): AsyncGenerator<TransferSeries> {
    for await (const { key } of this.#pages('metrics', transferSeriesSchema, { runId }, 50_000)) {
      yield* this.#pages('metrics', transferSeriesSchema, { runId, key }, 50_000);
    }
  }

  async files(kind: 'run' | 'logged-model', id: string): Promise<readonly TransferFile[]> {
    const found: TransferFile[] = [];
    const query = { kind, id };
    const page = z.object({ items: z.array(transferFileSchema) });
    found.push(...(await this.#api.get('exports/files', page, query)).items);
    return found;
  }

  /** The bytes of a file by its digest. */
  async open(digest: string): Promise<Readable> {
    if (!isDigest(digest)) throw new Error(`${part(digest)} is no digest`);
    return this.#api.client.blob(digest);
  }

  async *#pages<S extends z.ZodType>(
    resource: string,
    item: S,
    query: Readonly<Record<string, string>>,
    limit: number,
  ): AsyncGenerator<z.output<S>> {
    const schema = z.object({ items: z.array(item), next: z.string().nullable() });
    let after: string | undefined;
    do {
      const page = await this.#api.get(`exports/${resource}`, schema, { ...query, limit, after });
      yield* page.items;
      after = page.next ?? undefined;
    } while (after !== undefined);
  }
}

import { digestOfJson } from '../../../core/json.ts';
import {
  modelFacts,
  modelRecordDigest,
  PointsDigest,
  runFacts,
  runRecordDigest,
} from '../../../lifecycle/experiments/index.ts';
import { registeredModelDigest } from '../../../lifecycle/registry/index.ts';
import type {
  ItemFacts,
  ItemTodo,
  PlacedExperiment,
  TransferFile,
  TransferModel,
  TransferRegisteredModel,
  TransferRun,
} from '../contract.ts';
import { checkNames } from './check-names.ts';
import { type ImportTarget, measured } from './import-target.ts';
import { Locations } from './locations.ts';
import type { Progress } from './progress.ts';
import { sortedColumns } from './sorted-columns.ts';
import type { Marked, SourceOwner, TransferSource } from './transfer-source.ts';

const itemsPerRequest = 100;
/** After so many points the runs that are whole are marked so, and need not be read again if the import is cut off. */
const pointsPerMark = 200_000;

/** How many of what an import found at the source, and what went wrong with single files. */
export interface ImportOutcome {
  readonly experiments: readonly PlacedExperiment[];
  /** Runs and models whose files the source could not read, so that they stay where they are. */
  readonly filesElsewhere: number;
  readonly registeredModels: readonly RegisteredCheck[];
  readonly problems: readonly string[];
}

/** Source and target of one registered model. */
interface RegisteredCheck {
  readonly name: string;
  readonly versions: number;
  readonly versionsHere: number;
  readonly owned: boolean;
  readonly sourceDigest: string;
  readonly targetDigest: string;
}

type Kind = 'run' | 'logged-model';
type Fact = { readonly kind: Kind; readonly id: string; readonly source: ItemFacts };

/**
 * Brings everything of a source into a target: experiments, then the runs and logged models of each, then registered
 * models. What an import before this one brought wholly is not read again.
 *
 * @param only names of experiments; undefined for all. With names, only registered models with a version from them.
 */
export async function importAll(
  source: TransferSource,
  target: ImportTarget,
  only: readonly string[] | undefined,
  progress: Progress,
): Promise<ImportOutcome> {
  const locations = new Locations();
  const problems: string[] = [];
  const wanted = [];
  const names = new Set<string>();
  for await (const experiment of source.experiments()) {
    names.add(experiment.name);
    if (only === undefined || only.includes(experiment.name)) wanted.push(experiment);
  }
  checkNames(only, names);
  const placed: PlacedExperiment[] = [];
  for (const part of chunks(wanted)) placed.push(...(await target.placeExperiments(part)));
  let filesElsewhere = 0;

  for (const [index, experiment] of placed.entries()) {
    progress.begin(`experiment ${index + 1} of ${placed.length} "${experiment.name}"`);
    for await (const page of pages(source.runs(experiment.sourceId))) await bringRuns(page, experiment.id);
    for await (const page of pages(source.models(experiment.sourceId)))
      await bringModels(page, experiment.id);
  }

  const registered: RegisteredCheck[] = [];
  progress.begin('registered models');
  for await (const model of source.registeredModels()) {
    if (only !== undefined && !model.versions.some((version) => locations.knows(version))) continue;
    registered.push(await bringRegistered(model));
  }
  progress.end();
  return { experiments: placed, filesElsewhere, registeredModels: registered, problems };

  async function bringRuns(page: readonly Marked<TransferRun>[], experimentId: string): Promise<void> {
    const files = await Promise.all(
      page.map(({ item }) => source.files({ kind: 'run', id: item.id, artifactUri: item.artifactUri ?? '' })),
    );
    const runs = page.map(({ item, mark }, i) => ({
      ...item,
      experimentId,
      artifactUri: files[i] === null ? item.artifactUri : null,
      stamp: digestOfJson([runRecordDigest(item), mark]),
    }));
    const todos = await target.runs(runs);
    const facts: Fact[] = [];
    let pointsSinceMark = 0;
    const mark = async (): Promise<void> => {
      pointsSinceMark = 0;
      const whole = facts.splice(0);
      await target.flush();
      await target.complete(whole);
    };
    const work = page.map(({ item }, i) => async () => {
      const todo = todos[i];
      if (!todo) return;
      if (files[i] === null) filesElsewhere++;
      else locations.add(item.id, item.artifactUri ?? '', todo.artifactUri);
      if (todo.todo === 'nothing') {
        progress.skipped();
        return;
      }
      const points = await bringPoints(item, todo);
      const owner = { kind: 'run' as const, id: item.id, artifactUri: item.artifactUri ?? '' };
      const found = await bringFiles(owner, todo, files[i] ?? null);
      facts.push({ kind: 'run', id: item.id, source: runFacts(item, points, found) });
      progress.run();
      pointsSinceMark += points.count;
      if (pointsSinceMark >= pointsPerMark) await mark();
    });
    await inParallel(work, source.concurrency);
    await mark();
  }

  async function bringPoints(run: TransferRun, todo: ItemTodo): Promise<PointsDigest> {
    const digest = new PointsDigest();
    for await (const columns of source.metrics(run)) {
      const sorted = sortedColumns(columns);
      digest.add(columns.key, sorted);
      const values = sorted.values.map((value, i) => (sorted.nans[i] ? null : value));
      const { steps, timesMs } = sorted;
      if (todo.todo === 'copy') {
        const series = { runId: run.id, key: columns.key, values };
        await target.addPoints({ ...series, steps: [...steps], timesMs: [...timesMs] });
      }
      progress.points(values.length);
    }
    return digest;
  }

  async function bringModels(page: readonly Marked<TransferModel>[], experimentId: string): Promise<void> {
    const models = [];
    const files = [];
    for (const { item, mark } of page) {
      const artifactUri = item.artifactUri ?? '';
      const found = await source.files({ kind: 'logged-model', id: item.id, artifactUri });
      files.push(found);
      const stamp = digestOfJson([modelRecordDigest(item), mark]);
      models.push({ ...item, experimentId, artifactUri: found === null ? item.artifactUri : null, stamp });
    }
    const todos = await target.models(models);
    const facts: Fact[] = [];
    for (const [i, { item }] of page.entries()) {
      const todo = todos[i];
      if (!todo) continue;
      if (files[i] === null) filesElsewhere++;
      else locations.add(item.id, item.artifactUri ?? '', todo.artifactUri);
      if (todo.todo === 'nothing') continue;
      const kind = 'logged-model';
      const owner = { kind, id: item.id, artifactUri: item.artifactUri ?? '' } as const;
      const found = await bringFiles(owner, todo, files[i] ?? null);
      facts.push({ kind, id: item.id, source: modelFacts(item, found) });
      progress.model();
    }
    await target.complete(facts);
  }

  /** Copies the files of an owner, or only reads them where what is here is left as it is. */
  async function bringFiles(
    owner: SourceOwner,
    todo: ItemTodo,
    files: Awaited<ReturnType<TransferSource['files']>>,
  ): Promise<TransferFile[]> {
    if (files === null) return [];
    const { kind, id } = owner;
    if (todo.todo === 'copy') await target.clearFiles(kind, id);
    const found: TransferFile[] = [];
    for await (const path of files.list()) {
      const bytes = await files.open(path);
      try {
        const file =
          todo.todo === 'copy' ? await target.putFile(kind, id, path, bytes) : await readOnly(path, bytes);
        found.push(file);
        progress.file(file.sizeBytes);
      } catch (error) {
        // The server refuses some names; everything else ends the import.
        if ((error as { code?: string }).code !== 'tracking_invalid') throw error;
        problems.push(
          `${kind} ${id}: the file ${JSON.stringify(path)} is refused: ${(error as Error).message}`,
        );
        found.push({ path, digest: 'refused', sizeBytes: 0 });
      }
    }
    return found;
  }

  async function bringRegistered(model: TransferRegisteredModel): Promise<RegisteredCheck> {
    const moved = { ...model, versions: model.versions.map((version) => locations.moved(version)) };
    const [here] = await target.registeredModels([moved]);
    progress.model();
    return {
      name: model.name,
      versions: model.versions.filter((version) => !version.deleted).length,
      versionsHere: here?.versions ?? 0,
      owned: here?.owned ?? false,
      sourceDigest: registeredModelDigest(moved),
      targetDigest: here?.digest ?? '',
    };
  }
}

async function readOnly(path: string, source: Parameters<typeof measured>[0]): Promise<TransferFile> {
  const { stream, seen } = measured(source);
  for await (const _ of stream) {
    // Only its digest is wanted.
  }
  return { path, ...seen() };
}

/** Runs tasks, at most so many at the same time. The first failure stops the rest. */
async function inParallel(tasks: readonly (() => Promise<void>)[], atOnce: number): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < tasks.length && !failed) {
      const task = tasks[next++];
      try {
        await task?.();
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

async function* pages<T>(items: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  let page: T[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < itemsPerRequest) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function chunks<T>(items: readonly T[]): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let i = 0; i < items.length; i += itemsPerRequest) parts.push(items.slice(i, i + itemsPerRequest));
  return parts;
}

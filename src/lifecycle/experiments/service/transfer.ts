import type { Readable } from 'node:stream';
import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import type {
  ExperimentCheck,
  ItemFacts,
  ItemKind,
  ItemTodo,
  PlacedExperiment,
  TransferExperiment,
  TransferFile,
  TransferModel,
  TransferRun,
  TransferSeries,
} from '../contract/transfer.ts';
import { type MetricPoint, toPoint } from '../metric-point.ts';
import type { Page } from '../records.ts';
import { deleteArtifacts } from '../store/artifacts.ts';
import { findExperiment, setExperimentTag, updateExperiment } from '../store/experiments.ts';
import { addPoints } from '../store/metrics.ts';
import { findRunRow } from '../store/runs.ts';
import { settlePoints } from '../store/settling.ts';
import {
  completeItem,
  findImport,
  findItems,
  findOpenImport,
  findPlace,
  finishImport,
  type ImportRow,
  insertImport,
  listImports,
  putItems,
  setPlace,
} from '../store/transfer.ts';
import { hasRuns, modelRowsById, placeExperiment, runRowsById } from '../store/transfer-rows.ts';
import { writeModel, writeRun } from '../transfer-write.ts';
import { artifactOperations } from './artifacts.ts';
import { type ExperimentsDeps, experimentById } from './context.ts';
import { checkImported } from './transfer-check.ts';

/** Something with an id, and a mark that changes when the source changed. */
type Stamped<T> = T & { readonly stamp: string };

/**
 * Bringing experiments in from elsewhere, whole and with their ids, in as many requests as it takes. Each request may
 * be repeated: it changes nothing the second time. What was here before an import is never changed by it.
 */
export function transferOperations(deps: ExperimentsDeps) {
  const { db, clock } = deps;
  const artifacts = artifactOperations(deps);

  const importById = async (tx: Tx, id: string): Promise<ImportRow> => {
    const row = await findImport(tx, id);
    if (!row) throw fail('import_unknown', { id });
    if (row.finished_at_ms !== null) throw fail('import_finished', { id });
    return row;
  };

  /** Decides for each item what to do, and writes those that are new or changed. */
  const bringItems = async <T extends { readonly id: string; readonly experimentId: string }>(
    importId: string,
    kind: ItemKind,
    items: readonly Stamped<T>[],
    uris: (tx: Tx, ids: readonly string[]) => Promise<ReadonlyMap<string, string>>,
    write: (tx: Tx, item: T) => Promise<string>,
  ): Promise<readonly ItemTodo[]> =>
    db.write(async (tx) => {
      await importById(tx, importId);
      const ids = items.map((item) => item.id);
      const known = await findItems(tx, kind, ids);
      const here = await uris(tx, ids);
      const todos: ItemTodo[] = [];
      const rows = [];
      for (const item of items) {
        const before = known.get(item.id);
        const owned = before?.owned === 1 || !here.has(item.id);
        const isDone = before?.complete === 1 && before.stamp === item.stamp && here.has(item.id);
        const isNew = owned && !isDone;
        const artifactUri = isNew ? await write(tx, item) : (here.get(item.id) ?? '');
        todos.push({ id: item.id, todo: isNew ? 'copy' : owned ? 'nothing' : 'compare', artifactUri });
        rows.push({
          kind,
          id: item.id,
          import_id: importId,
          experiment_id: Number(item.experimentId),
          owned: owned ? 1 : 0,
          stamp: item.stamp,
          complete: isDone && owned ? 1 : 0,
          source_facts: isDone && owned && before ? before.source_facts : '',
        });
      }
      await putItems(tx, rows);
      return todos;
    });

  return {
    /** Begins the import of a source, or goes on with the one that was cut off. */
    async start(actor: Actor, source: string): Promise<ImportRow> {
      authorize(actor, 'transfer:write');
      return db.write(async (tx) => {
        const open = await findOpenImport(tx, source);
        if (open) return open;
        const nowMs = clock.nowMs();
        const row: ImportRow = {
          id: uuidv7(nowMs),
          source,
          started_by: `${actor.kind}:${actor.id}`,
          started_at_ms: nowMs,
          finished_at_ms: null,
          agrees: null,
        };
        await insertImport(tx, row);
        return row;
      });
    },

    /** Imports, newest first. */
    async list(actor: Actor, limit: number, after: string | undefined): Promise<Page<ImportRow>> {
      authorize(actor, 'read');
      const rows = await listImports(db.read, limit + 1, after ?? null);
      const items = rows.slice(0, limit);
      return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },

    /**
     * Makes the experiments: under their own id where it is free, else under a new one; one whose name is here
     * already takes the runs in, and is taken over wholly while it has no runs.
     */
    async placeExperiments(
      actor: Actor,
      importId: string,
      experiments: readonly TransferExperiment[],
    ): Promise<readonly PlacedExperiment[]> {
      authorize(actor, 'transfer:write');
      return db.write(async (tx) => {
        const { source } = await importById(tx, importId);
        const placed: PlacedExperiment[] = [];
        for (const experiment of experiments) placed.push(await placeOne(tx, source, experiment));
        return placed;
      });
    },

    /** Writes runs without their points and files, and tells what is left to do for each. */
    async runs(
      actor: Actor,
      importId: string,
      runs: readonly Stamped<TransferRun>[],
    ): Promise<readonly ItemTodo[]> {
      authorize(actor, 'transfer:write');
      const uris = async (tx: Tx, ids: readonly string[]) =>
        new Map((await runRowsById(tx, ids)).map((row) => [row.id, row.artifact_uri]));
      return bringItems(importId, 'run', runs, uris, (tx, run) => writeRun(tx, run, clock.nowMs()));
    },

    /** Writes logged models without their files, and tells what is left to do for each. */
    async models(
      actor: Actor,
      importId: string,
      models: readonly Stamped<TransferModel>[],
    ): Promise<readonly ItemTodo[]> {
      authorize(actor, 'transfer:write');
      const uris = async (tx: Tx, ids: readonly string[]) =>
        new Map((await modelRowsById(tx, ids)).map((row) => [row.id, row.artifact_uri]));
      return bringItems(importId, 'logged-model', models, uris, writeModel);
    },

    /** Adds points to runs that this import brings; points that are there already change nothing. */
    async metrics(actor: Actor, importId: string, series: readonly TransferSeries[]): Promise<void> {
      authorize(actor, 'transfer:write');
      const byRun = new Map<string, Map<string, MetricPoint[]>>();
      for (const part of series) {
        const ofRun = byRun.get(part.runId) ?? new Map<string, MetricPoint[]>();
        byRun.set(part.runId, ofRun);
        ofRun.set(part.key, [...(ofRun.get(part.key) ?? []), ...pointsOf(part)]);
      }
      const runIds = [...byRun.keys()].sort();
      await db.write(async (tx) => {
        await importById(tx, importId);
        const items = await findItems(tx, 'run', runIds);
        for (const runId of runIds) {
          const row = await findRunRow(tx, runId);
          if (!row || items.get(runId)?.owned !== 1 || items.get(runId)?.import_id !== importId) {
            throw fail('import_item_foreign', { kind: 'run', id: runId });
          }
          await addPoints(tx, row.seq, byRun.get(runId) ?? new Map());
        }
      });
    },

    /** Stores a file of a run or logged model that this import brings, as it streams in. */
    async putArtifact(
      actor: Actor,
      importId: string,
      at: { readonly kind: ItemKind; readonly id: string; readonly path: string },
      source: Readable,
    ): Promise<TransferFile> {
      authorize(actor, 'transfer:write');
      await importById(db.read, importId);
      const uri = await ownedArtifactUri(db.read, at.kind, at.id, importId);
      const { digest, sizeBytes } = await artifacts.put(actor, artifacts.pathIn(uri, at.path), source);
      return { path: at.path, digest, sizeBytes };
    },

    /** Removes what an attempt that was cut off stored of an item's files. */
    async clearArtifacts(actor: Actor, importId: string, kind: ItemKind, id: string): Promise<void> {
      authorize(actor, 'transfer:write');
      const uri = await ownedArtifactUri(db.read, kind, id, importId);
      await db.write((tx) => deleteArtifacts(tx, artifacts.pathIn(uri, '')));
    },

    /** Marks items as wholly brought over, with what the source holds of each. */
    async complete(
      actor: Actor,
      importId: string,
      items: readonly { readonly kind: ItemKind; readonly id: string; readonly source: ItemFacts }[],
    ): Promise<void> {
      authorize(actor, 'transfer:write');
      const runIds = items.filter(({ kind }) => kind === 'run').map(({ id }) => id);
      for (const { seq } of await runRowsById(db.read, runIds)) await settlePoints(db, seq);
      await db.write(async (tx) => {
        await importById(tx, importId);
        for (const { kind, id, source } of items) await completeItem(tx, kind, id, source);
      });
    },

    /** Reads what an import brought into an experiment, and compares it with what the source held. */
    async check(actor: Actor, importId: string, experimentId: string): Promise<ExperimentCheck> {
      authorize(actor, 'read');
      const experiment = await experimentById(db.read, experimentId);
      return checkImported(db, importId, experiment);
    },

    /** Ends an import, and writes it down in the audit trail. */
    async finish(
      actor: Actor,
      importId: string,
      result: { readonly agrees: boolean; readonly counts: Readonly<Record<string, number>> },
    ): Promise<ImportRow> {
      authorize(actor, 'transfer:write');
      return db.write(async (tx) => {
        const row = await importById(tx, importId);
        const nowMs = clock.nowMs();
        await finishImport(tx, importId, result.agrees, nowMs);
        const after = { source: row.source, ...result };
        await deps.journal.appendAudit(tx, {
          actor,
          action: 'transfer:import',
          subject: { kind: 'import', id: importId },
          after,
          reason: `brought in from ${row.source}`,
        });
        return { ...row, finished_at_ms: nowMs, agrees: result.agrees ? 1 : 0 };
      });
    },
  };

  async function placeOne(tx: Tx, source: string, wanted: TransferExperiment): Promise<PlacedExperiment> {
    const { name, tags } = wanted;
    const before = await findPlace(tx, source, wanted.id);
    const known = before && (await findExperiment(tx, { id: before.experiment_id }));
    const holder = known ?? (await findExperiment(tx, { name }));
    const row = {
      name,
      lifecycle_stage: wanted.lifecycleStage,
      created_at_ms: wanted.createdAtMs,
      updated_at_ms: wanted.updatedAtMs,
    };
    let id: number;
    let outcome: PlacedExperiment['outcome'];
    if (holder) {
      id = Number(holder.id);
      const isUnused = !before && !(await hasRuns(tx, id)) && holder.tags.length === 0;
      outcome = before?.outcome ?? (isUnused ? (holder.id === wanted.id ? 'same-id' : 'new-id') : 'merged');
      if (outcome !== 'merged') {
        // The name is left where another experiment took it in the meantime.
        if (!(await updateExperiment(tx, id, row))) {
          await updateExperiment(tx, id, { ...row, name: holder.name });
        }
      }
    } else {
      const fresh = { ...row, artifact_location: '' };
      const number = Number(wanted.id);
      const canKeep = /^\d+$/.test(wanted.id) && Number.isSafeInteger(number);
      const kept = canKeep ? await placeExperiment(tx, db.dialect, fresh, number) : null;
      id = kept ?? (await placeExperiment(tx, db.dialect, fresh, null)) ?? 0;
      outcome = kept === null ? 'new-id' : 'same-id';
      await updateExperiment(tx, id, { artifact_location: `mlflow-artifacts:/${id}` });
    }
    const taken = new Set(outcome === 'merged' ? holder?.tags.map((tag) => tag.key) : []);
    for (const tag of tags) if (!taken.has(tag.key)) await setExperimentTag(tx, id, tag);
    await setPlace(tx, { source, source_id: wanted.id, experiment_id: id, outcome });
    return { sourceId: wanted.id, id: String(id), name, outcome };
  }

  async function ownedArtifactUri(tx: Tx, kind: ItemKind, id: string, importId: string): Promise<string> {
    const item = (await findItems(tx, kind, [id])).get(id);
    const [row] = kind === 'run' ? await runRowsById(tx, [id]) : await modelRowsById(tx, [id]);
    if (!row || item?.owned !== 1 || item.import_id !== importId) {
      throw fail('import_item_foreign', { kind, id });
    }
    return row.artifact_uri;
  }
}

function pointsOf(part: TransferSeries): readonly MetricPoint[] {
  const { key, steps, timesMs, values } = part;
  if (steps.length !== values.length || timesMs.length !== values.length) {
    throw fail('import_columns_uneven', { key, runId: part.runId });
  }
  return values.map((value, i) =>
    toPoint({ key, value: value ?? Number.NaN, step: steps[i] ?? 0, timeMs: timesMs[i] ?? 0 }),
  );
}

import { type Actor, systemActor } from '../../../platform/access/index.ts';
import { unreferencedBlobs } from '../../../platform/blobs/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { proxiedPath, safeArtifactPath } from '../artifact-path.ts';
import type { PurgeCounts, PurgeInputs } from '../contract/life.ts';
import {
  beginPurge,
  beginPurgeOfRun,
  countTraces,
  type DueExperiment,
  type DueRun,
  deleteExperiment,
  deleteModel,
  deletePoints,
  deleteRun,
  deleteTraces,
  dueExperiments,
  dueModels,
  dueRuns,
  isStillDue,
  type PurgeScope,
  sizeOfFolder,
  traceIdsOfExperiment,
} from '../store/purge.ts';
import { adoptDeleted } from '../store/trash.ts';
import { audit, type ExperimentsDeps } from './context.ts';

const rowsAtOnce = 200;
const pointsAtOnce = 20_000;
/** A blob is stored before the row that refers to it is written. */
const blobGraceMs = 3_600_000;
/** Tables whose blobs are what users stored, and name no other blobs. */
const leafTables: ReadonlySet<string> = new Set(['artifacts']);

/** What others keep: it is not purged, however deleted. */
export interface KeptThings {
  readonly runIds: ReadonlySet<string>;
  readonly modelIds: ReadonlySet<string>;
  /** Artifact roots, as URIs. */
  readonly artifactUris: readonly string[];
}

interface PurgeContext {
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Removes for good what was deleted long enough ago: runs, logged models and experiments with all that belongs to
 * them, and then the blobs that nothing refers to any more. It goes in small transactions, what belongs to something
 * before the thing itself, so whatever stops it, the next time goes on, and nothing is left without its owner.
 */
export class Purger {
  readonly #deps: ExperimentsDeps;
  readonly #kept: () => Promise<KeptThings>;

  constructor(deps: ExperimentsDeps, kept: () => Promise<KeptThings>) {
    this.#deps = deps;
    this.#kept = kept;
  }

  async purge(inputs: PurgeInputs, context: PurgeContext): Promise<PurgeCounts> {
    const { db, clock } = this.#deps;
    const nowMs = clock.nowMs();
    await db.write((tx) => adoptDeleted(tx, nowMs));
    const scope = { deletedBeforeMs: nowMs - inputs.olderThanMs, experimentIds: inputs.experimentIds };
    const counts = noCounts();
    const purge = { ...context, scope, counts, isDry: inputs.dryRun, kept: foldersOf(await this.#kept()) };
    await this.#models(purge);
    await this.#runs(purge);
    await this.#experiments(purge);
    context.log(
      `${counts.experiments} experiments, ${counts.runs} runs, ${counts.loggedModels} logged models, ${counts.traces} traces, ${counts.files} files; ${counts.kept} kept for what refers to them`,
    );
    await this.#blobs(purge, nowMs - blobGraceMs);
    context.log(`${counts.blobs} blobs that nothing refers to, ${counts.blobBytes} bytes`);
    if (!inputs.dryRun) await this.#audit(systemActor, inputs, counts);
    return counts;
  }

  async #runs({ scope, counts, isDry, kept, log, signal }: Purge): Promise<void> {
    const { db } = this.#deps;
    for (let after = 0; ; ) {
      signal.throwIfAborted();
      const runs = await dueRuns(db.read, scope, after, rowsAtOnce);
      for (const run of runs) {
        after = run.seq;
        const folder = folderOf(run.artifactUri);
        if (kept.runIds.has(run.id) || kept.overlaps(folder)) {
          counts.kept++;
          continue;
        }
        const size = await this.#sizeOf(folder);
        const purged = isDry || (await this.#run(run, folder, scope, signal));
        if (!purged) continue;
        counts.runs++;
        addFiles(counts, size);
      }
      if (runs.length < rowsAtOnce) return;
      log(`${counts.runs} runs so far`);
    }
  }

  /** Removes a run; false: somebody has brought it back since it was found, which is asked anew in each transaction. */
  async #run(run: DueRun, folder: string | null, scope: PurgeScope, signal: AbortSignal): Promise<boolean> {
    const ifDue = <T>(change: (tx: Tx) => Promise<T>): Promise<T | null> =>
      this.#deps.db.write(async (tx) => ((await isStillDue(tx, 'run', run.seq, scope)) ? change(tx) : null));
    await ifDue((tx) => beginPurgeOfRun(tx, run.id));
    while (await ifDue((tx) => deletePoints(tx, run.seq, pointsAtOnce))) signal.throwIfAborted();
    return (
      (await ifDue(async (tx) => {
        await deleteRun(tx, run, folder);
        return true;
      })) ?? false
    );
  }

  async #models({ scope, counts, isDry, kept, signal }: Purge): Promise<void> {
    const { db } = this.#deps;
    for (let after = ''; ; ) {
      signal.throwIfAborted();
      const models = await dueModels(db.read, scope, after, rowsAtOnce);
      for (const model of models) {
        after = model.id;
        const folder = folderOf(model.artifactUri);
        if (kept.modelIds.has(model.id) || kept.overlaps(folder)) {
          counts.kept++;
          continue;
        }
        const size = await this.#sizeOf(folder);
        const purged =
          isDry ||
          (await db.write(async (tx) => {
            if (!(await isStillDue(tx, 'logged-model', model.id, scope))) return false;
            await deleteModel(tx, model, folder);
            return true;
          }));
        if (!purged) continue;
        counts.loggedModels++;
        addFiles(counts, size);
      }
      if (models.length < rowsAtOnce) return;
    }
  }

  async #experiments({ scope, counts, isDry, signal }: Purge): Promise<void> {
    const { db } = this.#deps;
    for (const experiment of await dueExperiments(db.read, scope)) {
      const traces = await countTraces(db.read, experiment.id);
      const one = { ...scope, experimentIds: [experiment.id] };
      // In a dry run its runs are still there; else what is still there is kept.
      const runs = await dueRuns(db.read, one, 0, 1);
      const models = await dueModels(db.read, one, '', 1);
      const isKept = !isDry && runs.length + models.length > 0;
      if (!isDry && !(await this.#experiment(experiment, isKept, scope, signal))) continue;
      counts.traces += traces;
      if (isKept) counts.kept++;
      else counts.experiments++;
    }
  }

  /** Removes an experiment, or its traces alone where it is kept; false: somebody has brought it back meanwhile. */
  async #experiment(
    { id, artifactLocation }: DueExperiment,
    isKept: boolean,
    scope: PurgeScope,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { db } = this.#deps;
    const root = folderOf(artifactLocation);
    for (;;) {
      signal.throwIfAborted();
      const done = await db.write(async (tx) => {
        if (!(await isStillDue(tx, 'experiment', id, scope))) return false;
        const ids = await traceIdsOfExperiment(tx, id, rowsAtOnce);
        if (ids.length > 0) {
          await deleteTraces(tx, ids, root);
          return null;
        }
        if (isKept) return true;
        await beginPurge(tx, id);
        await deleteExperiment(tx, id);
        return true;
      });
      if (done !== null) return done;
    }
  }

  async #blobs({ counts, isDry, signal }: Purge, storedBeforeMs: number): Promise<void> {
    const { db, blobs } = this.#deps;
    for await (const blob of unreferencedBlobs({ db, blobs, leafTables }, storedBeforeMs)) {
      signal.throwIfAborted();
      if (!isDry && !(await blobs.delete(blob.digest, storedBeforeMs))) continue;
      counts.blobs++;
      counts.blobBytes += blob.sizeBytes;
    }
  }

  async #sizeOf(folder: string | null): Promise<FolderSize> {
    return folder === null ? { files: 0, bytes: 0 } : sizeOfFolder(this.#deps.db.read, folder);
  }

  async #audit(actor: Actor, inputs: PurgeInputs, counts: PurgeCounts): Promise<void> {
    await this.#deps.db.write((tx) =>
      audit(this.#deps, tx, {
        actor,
        action: 'trash:purge',
        kind: 'trash',
        id: 'experiments',
        before: { olderThanMs: inputs.olderThanMs, experimentIds: inputs.experimentIds },
        after: counts,
      }),
    );
  }
}

type FolderSize = Awaited<ReturnType<typeof sizeOfFolder>>;
type Counting = { -readonly [K in keyof PurgeCounts]: PurgeCounts[K] };

interface Purge extends PurgeContext {
  readonly scope: PurgeScope;
  readonly counts: Counting;
  readonly isDry: boolean;
  readonly kept: ReturnType<typeof foldersOf>;
}

function addFiles(counts: Counting, { files, bytes }: FolderSize): void {
  counts.files += files;
  counts.fileBytes += bytes;
}

const noCounts = (): Counting => ({
  experiments: 0,
  runs: 0,
  loggedModels: 0,
  traces: 0,
  files: 0,
  fileBytes: 0,
  blobs: 0,
  blobBytes: 0,
  kept: 0,
});

/** The folder of our artifact store that a root names; null for roots elsewhere, whose files stay. */
function folderOf(uri: string): string | null {
  const path = proxiedPath(uri);
  if (path === undefined) return null;
  const folder = safeArtifactPath(path);
  return folder === '' ? null : folder;
}

function foldersOf({ runIds, modelIds, artifactUris }: KeptThings) {
  const folders = artifactUris.flatMap((uri) => folderOf(uri) ?? []);
  const isIn = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);
  return {
    runIds,
    modelIds,
    overlaps: (folder: string | null): boolean =>
      folder !== null && folders.some((kept) => isIn(kept, folder) || isIn(folder, kept)),
  };
}

import { text } from 'node:stream/consumers';
import { MillraceError } from '../../../core/errors.ts';
import type { Actor } from '../../../platform/access/index.ts';
import type { Experiments, LoggedModelRecord, RunRecord } from '../../experiments/index.ts';
import type { VersionRecord } from '../records.ts';
import { environmentFiles } from './environment.ts';

/** What is recorded anywhere of a version. */
export interface VersionFacts {
  readonly version: VersionRecord;
  readonly run: RunRecord | null;
  readonly model: LoggedModelRecord | null;
  /** MLmodel and the files of its environment, by name. */
  readonly files: ReadonlyMap<string, string>;
  /** What could not be read, in sentences. */
  readonly notes: readonly string[];
}

/** Larger files are no lists of packages. */
const largestFileBytes = 1_000_000;

/** Reads what a comparison needs; what is gone, or kept elsewhere, is noted. */
export async function factsOf(
  experiments: Experiments,
  actor: Actor,
  version: VersionRecord,
): Promise<VersionFacts> {
  const notes: string[] = [];
  const note = (text: string): null => {
    notes.push(`Version ${version.version}: ${text}.`);
    return null;
  };
  const { modelId, sourceRunId } = version;
  const model =
    modelId === null
      ? null
      : ((await present(experiments.models.get(actor, modelId))) ??
        note(`the logged model ${modelId} is not on this server`));
  const runId = sourceRunId ?? model?.sourceRunId ?? null;
  const run =
    runId === null
      ? note('no run is recorded, so its params, metrics and data are not known')
      : ((await present(experiments.runs.get(actor, runId))) ??
        note(`the run ${runId} is not on this server`));
  const root = model?.artifactUri ?? version.storageLocation;
  const files = new Map<string, string>();
  for (const name of ['MLmodel', ...environmentFiles]) {
    try {
      const file = await experiments.artifacts.open(actor, root, name);
      if (file.sizeBytes <= largestFileBytes) files.set(name, await text(await file.read()));
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      if (error.code === 'artifact_unknown') continue;
      note(`the files at ${root} cannot be read (${error.message})`);
      break;
    }
  }
  return { version, run, model, files, notes };
}

/** What is not there any more is not known; every other fault is a fault. */
async function present<T>(looking: Promise<T>): Promise<T | null> {
  try {
    return await looking;
  } catch (error) {
    if (error instanceof MillraceError && error.status === 404) return null;
    throw error;
  }
}

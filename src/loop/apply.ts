import { fail } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { type Digest, digestOfJson } from '../core/json.ts';
import type { DatasetVersion } from '../lifecycle/data/index.ts';
import type { Actor } from '../platform/access/index.ts';
import type { BlobStore } from '../platform/blobs/index.ts';
import type { Tx } from '../platform/db/index.ts';
import { type ApplyLoop, applyLoopSchema, codeFileSchema, type LoopFile } from './contract.ts';
import type { EngineDeps } from './engine/loop-engine.ts';
import { datasetProblems } from './file/dataset-problems.ts';
import { fileError, parseLoopFile } from './file/parse-loop-file.ts';
import { asShown } from './file/shown-addresses.ts';
import { openRollouts } from './rollouts/store.ts';
import {
  findLoop,
  findLoopByEndpoint,
  findLoopVersion,
  insertLoop,
  insertLoopVersion,
  insertTrigger,
  updateLoop,
} from './store/loops.ts';
import type { LoopRow, LoopVersionRow, TriggerRow } from './store/tables.ts';
import { findTurn } from './store/turns.ts';

/** What applying a loop file came to; `unchanged`: this text and these files were in force already. */
type ApplyOutcome = 'created' | 'changed' | 'unchanged';

const datasetPrefix = 'dataset:';

interface Checked {
  readonly input: ReturnType<typeof applyLoopSchema.parse>;
  /** With whole addresses of webhooks, which the monitor keeps; `kept` has them as they are shown. */
  readonly file: LoopFile;
  readonly kept: { readonly text: string; readonly file: LoopFile };
  readonly endpoint: string;
  readonly version: DatasetVersion;
  readonly digest: Digest;
}

/**
 * Checks a loop file against the data and code that it names. Throws `loop_file_invalid`, `loop_blob_missing`,
 * `loop_busy`, `rollout_under_way`.
 */
export async function checkLoop(deps: EngineDeps, blobs: BlobStore, given: ApplyLoop): Promise<Checked> {
  const input = applyLoopSchema.parse(given);
  const file = parseLoopFile(input.text, input.fileName);
  const refuse = (path: readonly PropertyKey[], problem: string) =>
    fileError(input.text, input.fileName, [{ path, problem }]);
  const version = await sourceVersion(deps, file, input.datasetVersionId, refuse);
  const kept = asShown(input.text, file, refuse);
  const problems = datasetProblems(file, version);
  if (problems.length > 0) throw fileError(input.text, input.fileName, problems);
  const endpoint = file.deploy.endpoint ?? file.loop;
  const other = await findLoopByEndpoint(deps.db.read, endpoint);
  if (other && other.name !== file.loop) {
    throw refuse(
      ['deploy', 'endpoint'],
      `endpoint ${endpoint} belongs to loop ${other.name}; choose another name`,
    );
  }
  const answering = await deps.ports.serving.answering(endpoint);
  if (answering !== null && answering !== file.loop) {
    throw refuse(
      ['deploy', 'endpoint'],
      `endpoint ${endpoint} answers with the model ${answering}; choose another name, or deploy a version of ${file.loop} to it first`,
    );
  }
  await requireOneOwner(deps.db.read, file.loop, endpoint);
  for (const { path, digest } of input.files) {
    if (!(await blobs.info(digest))) throw fail('loop_blob_missing', { path, digest });
  }
  const files = [...input.files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const digest = digestOfJson({ text: input.text, files, datasetVersionId: version.id });
  return { input: { ...input, files }, file, kept, endpoint, version, digest };
}

/**
 * Puts a checked loop file in force, in the caller's transaction. The same file, code and data again change nothing.
 * A loop without a model is given its first trigger.
 */
export async function putLoop(
  tx: Tx,
  deps: EngineDeps,
  actor: Actor,
  { input, file, kept, endpoint, version, digest }: Checked,
  hasChampion: boolean,
): Promise<ApplyOutcome> {
  const nowMs = deps.clock.nowMs();
  const before = await findLoop(tx, file.loop);
  const inForce = before && (await findLoopVersion(tx, file.loop, before.version));
  if (inForce?.digest === digest || (inForce && digestAsKept(inForce) === digest)) return 'unchanged';
  await requireOneOwner(tx, file.loop, endpoint);
  const number = (before?.version ?? 0) + 1;
  if (before) {
    await updateLoop(tx, file.loop, {
      version: number,
      endpoint,
      dataset_version_id: version.id,
      // Another endpoint has to be given the champion first.
      ...(before.endpoint === endpoint ? {} : { followed_version: null }),
    });
  } else {
    await insertLoop(tx, newLoop(file.loop, endpoint, version, nowMs));
  }
  await insertLoopVersion(tx, {
    loop: file.loop,
    version: number,
    text: kept.text,
    file: JSON.stringify(kept.file),
    files: JSON.stringify(input.files),
    digest,
    dataset_version_id: version.id,
    applied_at_ms: nowMs,
    applied_by: `${actor.kind}:${actor.id}`,
  });
  await deps.watermarks.declare(tx, endpoint);
  if (!hasChampion && before?.active_turn_id == null) {
    const reason = before
      ? `version ${number} of the loop file was applied, and there is no model yet`
      : 'first apply';
    await insertTrigger(tx, firstTrigger(file.loop, number, actor, reason, nowMs));
  }
  const subject = { kind: 'loop', id: file.loop };
  await deps.journal.appendEvent(tx, { type: 'loop.applied', subject, data: { version: number, digest } });
  await deps.journal.appendAudit(tx, {
    actor,
    action: 'loop:apply',
    subject,
    ...(before ? { before: { version: before.version } } : {}),
    after: { version: number, digest },
    reason: `applied ${input.fileName}`,
  });
  return before ? 'changed' : 'created';
}

/** The digest of a version whose text was read, with addresses as they are shown, and applied again as it was. */
function digestAsKept({ text, files, dataset_version_id: datasetVersionId }: LoopVersionRow): Digest {
  return digestOfJson({ text, files: codeFileSchema.array().parse(JSON.parse(files)), datasetVersionId });
}

/** A loop with the first version of its file, which has done nothing yet. */
function newLoop(name: string, endpoint: string, dataset: DatasetVersion, nowMs: number): LoopRow {
  return {
    name,
    version: 1,
    state: 'active',
    endpoint,
    dataset_version_id: dataset.id,
    turns: 0,
    active_turn_id: null,
    created_at_ms: nowMs,
    monitored_ms: null,
    monitor_step_id: null,
    monitor_target_ms: null,
    scheduled_ms: null,
    last_start_event_ms: null,
    last_labels: 0,
    followed_version: null,
  };
}

/** What starts the turn that gives a loop its first model; each version of the file asks for one at most. */
function firstTrigger(
  loop: string,
  version: number,
  actor: Actor,
  reason: string,
  nowMs: number,
): TriggerRow {
  return {
    id: uuidv7(nowMs),
    loop,
    source: `first/${version}`,
    cause: 'first',
    reason,
    requested_by: `${actor.kind}:${actor.id}`,
    overrides: '{}',
    at_ms: nowMs,
    event_ms: null,
    turn_id: null,
  };
}

/**
 * A loop takes no endpoint from a rollout that a person began, and leaves none amid a turn: the version that is rolled
 * out there would keep its traffic, and nobody would judge it. Throws `rollout_under_way`, `loop_busy`.
 */
async function requireOneOwner(tx: Tx, loop: string, endpoint: string): Promise<void> {
  const before = await findLoop(tx, loop);
  if (before?.endpoint === endpoint) return;
  const [open] = await openRollouts(tx, endpoint);
  if (open) throw fail('rollout_under_way', { endpoint, by: `rollout ${open.id}` });
  const turn = before?.active_turn_id ? await findTurn(tx, before.active_turn_id) : undefined;
  if (turn) throw fail('loop_busy', { turn: `${loop}/${turn.number}`, loop, state: turn.state });
}

async function sourceVersion(
  deps: EngineDeps,
  file: LoopFile,
  datasetVersionId: string | undefined,
  refuse: (path: readonly PropertyKey[], problem: string) => Error,
): Promise<DatasetVersion> {
  const path = ['data', 'source'];
  const { source } = file.data;
  if (!source.startsWith(datasetPrefix)) {
    if (datasetVersionId !== undefined) return deps.ports.data.version(datasetVersionId);
    const problem = `${source} is a file: register it first and give its dataset version, or apply with the millrace command, which does so`;
    throw refuse(path, problem);
  }
  const [name = '', number] = source.slice(datasetPrefix.length).split('@');
  const found = await deps.ports.data.find(name, number === undefined ? undefined : Number(number));
  if (found) return found;
  throw refuse(
    path,
    `dataset ${name}${number ? ` version ${number}` : ''} is not registered; see GET /api/v1/datasets`,
  );
}

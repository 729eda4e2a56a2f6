import { fail } from '../../../core/errors.ts';
import type { Clock } from '../../../core/time.ts';
import type { Actor } from '../../../platform/access/index.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import type { ArtifactStorage } from '../artifact-roots/index.ts';
import type { ExperimentEventType, LifecycleStage } from '../contract.ts';
import type { ExperimentRecord } from '../records.ts';
import { findExperiment } from '../store/experiments.ts';
import { findRunRow, type RunRow } from '../store/runs.ts';
import { type LongValues, parseExperimentId } from '../validation.ts';

/** What the services of this slice are built from. */
export interface ExperimentsDeps {
  readonly db: Database;
  readonly journal: Journal;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Left out: artifacts are kept in the blob store alone. */
  readonly artifactStorage?: ArtifactStorage;
  /** What is done with params and tags of runs and traces that are too long; left out: they are cut. */
  readonly longValues?: LongValues;
}

/** Which lifecycle stages a list shows. */
export type View = 'active' | 'deleted' | 'all';

/** The lifecycle stages that a view shows. */
export function stagesOf(view: View): readonly LifecycleStage[] {
  return view === 'all' ? ['active', 'deleted'] : [view];
}

/** Appends an event of this slice. Call it last in a transaction: on Postgres it puts writers in line. */
export async function announce(
  deps: ExperimentsDeps,
  tx: Tx,
  type: ExperimentEventType,
  id: string,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  const kind = type.slice(0, type.indexOf('.'));
  await deps.journal.appendEvent(tx, { type, subject: { kind, id }, data });
}

/** Records in the audit trail that somebody deleted, restored or renamed something. */
export async function audit(
  deps: ExperimentsDeps,
  tx: Tx,
  entry: {
    readonly actor: Actor;
    readonly action: string;
    readonly kind: string;
    readonly id: string;
    readonly before: unknown;
    readonly after: unknown;
  },
): Promise<void> {
  const { actor, action, kind, id, before, after } = entry;
  const reason = 'asked for at the API';
  await deps.journal.appendAudit(tx, { actor, action, subject: { kind, id }, before, after, reason });
}

/** An experiment in any stage. Throws `experiment_unknown`. */
export async function experimentById(tx: Tx, id: string): Promise<ExperimentRecord> {
  const number = parseExperimentId(id);
  const experiment = await findExperiment(tx, { id: number });
  if (!experiment) throw fail('experiment_unknown', { id: number });
  return experiment;
}

/** An experiment that may be written to. Throws `experiment_unknown` or `experiment_inactive`. */
export async function activeExperiment(tx: Tx, id: string): Promise<ExperimentRecord> {
  const experiment = await experimentById(tx, id);
  if (experiment.lifecycleStage !== 'active') {
    throw fail('experiment_inactive', { id: experiment.id, stage: experiment.lifecycleStage });
  }
  return experiment;
}

/** A run in any stage. Throws `run_unknown`. */
export async function runById(tx: Tx, id: string): Promise<RunRow> {
  const row = await findRunRow(tx, id);
  if (!row) throw fail('run_unknown', { id });
  return row;
}

/** A run that may be written to. Throws `run_unknown` or `run_inactive`. */
export async function activeRun(tx: Tx, id: string): Promise<RunRow> {
  const row = await runById(tx, id);
  if (row.lifecycle_stage !== 'active') throw fail('run_inactive', { id, stage: row.lifecycle_stage });
  return row;
}

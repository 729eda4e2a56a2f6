import { sql } from 'kysely';
import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { cutPage, readPageToken, type SortColumn } from '../../../platform/search/index.ts';
import type { Page } from '../records.ts';
import { setStageOfRuns, updateExperiment } from '../store/experiments.ts';
import { findRunRow, type RunRow, updateRun } from '../store/runs.ts';
import {
  findInTrash,
  putIntoTrash,
  type TrashKind,
  type TrashRow,
  takeOutOfTrash,
  takeRunsOutOfTrash,
  trashRows,
} from '../store/trash.ts';
import { checkExperimentName } from '../validation.ts';
import { announce, audit, type ExperimentsDeps, experimentById, runById } from './context.ts';
import { runSearchOperations } from './run-search.ts';

const runsAtOnce = 500;
const list = 'trash';
const sortColumns: readonly SortColumn[] = [
  { expression: sql`deleted_at_ms`, descending: true, type: 'integer' },
  { expression: sql`kind`, descending: false, type: 'text' },
  { expression: sql`id`, descending: false, type: 'text' },
];

/** Who an actor is, in one word. */
const nameOf = (actor: Actor): string => `${actor.kind}:${actor.id}`;

/** Deleting, bringing back, and what is deleted. Nothing goes for good here; see the purge. */
export function trashOperations(deps: ExperimentsDeps) {
  const { db, clock } = deps;

  const changeExperiment = async (
    actor: Actor,
    id: string,
    to: 'active' | 'deleted',
    nameFor: (
      tx: Tx,
      experiment: { readonly id: string; readonly name: string },
    ) => Promise<string | undefined>,
  ): Promise<void> => {
    await db.write(async (tx) => {
      const experiment = await experimentById(tx, id);
      // Like MLflow, deleting looks among the active ones only, and restoring among the deleted ones.
      if (experiment.lifecycleStage === to) throw fail('experiment_unknown', { id: experiment.id });
      const number = Number(experiment.id);
      if (to === 'active') await refusePurging(tx, 'experiment', experiment.id);
      const name = await nameFor(tx, experiment);
      const change = { lifecycle_stage: to, updated_at_ms: clock.nowMs() };
      if (!(await updateExperiment(tx, number, { ...change, ...(name === undefined ? {} : { name }) }))) {
        throw fail('experiment_name_taken', { name: name ?? '', id: experiment.id });
      }
      await setStageOfRuns(tx, number, to);
      if (to === 'active') {
        await takeOutOfTrash(tx, 'experiment', experiment.id);
        await takeRunsOutOfTrash(tx, number);
      } else {
        await putIntoTrash(tx, {
          kind: 'experiment',
          id: experiment.id,
          experiment_id: number,
          name: name === undefined ? null : experiment.name,
          deleted_at_ms: clock.nowMs(),
          deleted_by: nameOf(actor),
        });
      }
      await audit(deps, tx, {
        actor,
        action: to === 'deleted' ? 'experiment:delete' : 'experiment:restore',
        kind: 'experiment',
        id: experiment.id,
        before: { lifecycleStage: experiment.lifecycleStage, name: experiment.name },
        after: { lifecycleStage: to, name: name ?? experiment.name },
      });
      const type = to === 'deleted' ? 'experiment.deleted' : 'experiment.restored';
      await announce(deps, tx, type, experiment.id, { name: name ?? experiment.name });
    });
  };

  /** Changes the stage of a run; false when it is there already. The caller writes the audit entry. */
  const changeRun = async (tx: Tx, actor: Actor, row: RunRow, to: 'active' | 'deleted'): Promise<boolean> => {
    if (row.lifecycle_stage === to) return false;
    if (to === 'active') await refusePurging(tx, 'run', row.id);
    await updateRun(tx, row.seq, { lifecycle_stage: to });
    if (to === 'active') await takeOutOfTrash(tx, 'run', row.id);
    else {
      await putIntoTrash(tx, {
        kind: 'run',
        id: row.id,
        experiment_id: row.experiment_id,
        name: null,
        deleted_at_ms: clock.nowMs(),
        deleted_by: nameOf(actor),
      });
    }
    return true;
  };

  const changeOneRun = async (actor: Actor, id: string, to: 'active' | 'deleted'): Promise<void> => {
    await db.write(async (tx) => {
      const row = await runById(tx, id);
      if (!(await changeRun(tx, actor, row, to))) return;
      const action = to === 'deleted' ? 'run:delete' : 'run:restore';
      const before = { lifecycleStage: row.lifecycle_stage };
      await audit(deps, tx, { actor, action, kind: 'run', id, before, after: { lifecycleStage: to } });
      const type = to === 'deleted' ? 'run.deleted' : 'run.restored';
      await announce(deps, tx, type, id, { experimentId: String(row.experiment_id) });
    });
  };

  return {
    experiments: {
      /** Moves an active experiment and all its runs to the deleted stage; the name stays taken, as in MLflow. */
      async delete(actor: Actor, id: string): Promise<void> {
        authorize(actor, 'experiments:write');
        await changeExperiment(actor, id, 'deleted', async () => undefined);
      },

      /** The same, and frees the name: the deleted one is called by its name and id until it is brought back. */
      async discard(actor: Actor, id: string): Promise<void> {
        authorize(actor, 'experiments:write');
        await changeExperiment(actor, id, 'deleted', async (_, experiment) => tombstone(experiment));
      },

      /**
       * Brings a deleted experiment and all its runs back but those whose purge has begun, with the name it had or
       * another. Throws `experiment_name_taken`, `purge_begun`.
       */
      async restore(actor: Actor, id: string, name?: string): Promise<void> {
        authorize(actor, 'experiments:write');
        if (name !== undefined) checkExperimentName(name);
        await changeExperiment(actor, id, 'active', async (tx, experiment) => {
          if (name !== undefined) return name;
          return (await findInTrash(tx, 'experiment', experiment.id))?.name ?? undefined;
        });
      },
    },

    runs: {
      /** Moves a run to the deleted stage. Throws `run_unknown`. */
      async delete(actor: Actor, id: string): Promise<void> {
        authorize(actor, 'experiments:write');
        await changeOneRun(actor, id, 'deleted');
      },

      /** Throws `run_unknown`, `purge_begun`. */
      async restore(actor: Actor, id: string): Promise<void> {
        authorize(actor, 'experiments:write');
        await changeOneRun(actor, id, 'active');
      },

      /** Deletes all runs of an experiment that a filter of our own grammar finds. Returns how many. */
      async deleteWhere(actor: Actor, experimentId: string, filter: string): Promise<number> {
        authorize(actor, 'experiments:write');
        const { id } = await experimentById(db.read, experimentId);
        const search = runSearchOperations(deps);
        let deleted = 0;
        for (;;) {
          const ids = await search.ids(actor, {
            experimentIds: [id],
            filter,
            grammar: 'millrace',
            view: 'active',
            limit: runsAtOnce,
          });
          if (ids.length === 0) return deleted;
          await db.write(async (tx) => {
            const gone: string[] = [];
            for (const runId of ids) {
              const row = await findRunRow(tx, runId);
              if (row && (await changeRun(tx, actor, row, 'deleted'))) gone.push(runId);
            }
            deleted += gone.length;
            const after = { filter, runs: gone.length, first: gone[0] };
            await audit(deps, tx, {
              actor,
              action: 'run:delete-many',
              kind: 'experiment',
              id,
              before: undefined,
              after,
            });
            for (const runId of gone) await announce(deps, tx, 'run.deleted', runId, { experimentId: id });
          });
        }
      },
    },

    trash: {
      /** What is deleted and can be brought back, the last first. */
      async list(
        actor: Actor,
        query: { readonly limit: number; readonly after?: string | undefined },
      ): Promise<Page<TrashRow>> {
        authorize(actor, 'read');
        const after = query.after ? readPageToken(query.after, sortColumns, list) : null;
        const rows = await trashRows(db.read, { limit: query.limit + 1, after });
        const page = cutPage(
          rows.map((row) => ({ ...row, sort: [row.deleted_at_ms, row.kind, row.id] })),
          query.limit,
          list,
        );
        return { items: page.items, next: page.next };
      },
    },
  };
}

function tombstone(experiment: { readonly id: string; readonly name: string }): string {
  return `${experiment.name} (deleted, ${experiment.id})`;
}

async function refusePurging(tx: Tx, kind: TrashKind, id: string): Promise<void> {
  const row = await findInTrash(tx, kind, id);
  if (row?.is_purging) throw fail('purge_begun', { kind, id });
}

import { randomBytes } from 'node:crypto';
import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import { joinUri } from '../artifact-path.ts';
import type { RunStatus } from '../contract.ts';
import type { RunInfo, RunRecord } from '../records.ts';
import { randomName } from '../run-name.ts';
import { hydrateRuns } from '../store/hydrate.ts';
import {
  deleteRunTag,
  findRunTag,
  insertRun,
  runInfo,
  runRowsOfStep,
  setRunTags,
  updateRun,
} from '../store/runs.ts';
import { settleSummaries } from '../store/settling.ts';
import { invalidParameter, limits, type Tag, withinLimit } from '../validation.ts';
import { activeExperiment, activeRun, announce, type ExperimentsDeps, runById } from './context.ts';
import { runSearchOperations } from './run-search.ts';

/** MLflow’s tag for the name of a run; name and tag are kept the same. */
export const runNameTag = 'mlflow.runName';
/** The tag that tells which step run (pipelines) a run belongs to. */
const stepTag = 'millrace.step';

export interface NewRun {
  /** Empty: the default experiment. */
  readonly experimentId: string;
  readonly userId: string;
  readonly startTimeMs: number;
  readonly name: string;
  readonly tags: readonly Tag[];
}

const ended: ReadonlySet<RunStatus> = new Set<RunStatus>(['FINISHED', 'FAILED', 'KILLED']);

/** Runs: one execution of a training script with what it logged. */
export function runOperations(deps: ExperimentsDeps) {
  const { db, clock, longValues = 'cut' } = deps;

  return {
    ...runSearchOperations(deps),

    /**
     * Starts a run. A job's run carries the tag `millrace.step` and is found by `ofStep`.
     * Throws `experiment_unknown`, `experiment_inactive`.
     */
    async create(actor: Actor, input: NewRun): Promise<RunRecord> {
      authorize(actor, 'experiments:write');
      const tagged = input.tags.find((tag) => tag.key === runNameTag)?.value;
      if (input.name && tagged && input.name !== tagged) {
        throw invalidParameter(
          `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${input.name}', mlflow.runName='${tagged}').`,
        );
      }
      const name = input.name || tagged || randomName();
      const stepRunId = actor.kind === 'job' ? actor.id : null;
      const tags = [
        ...input.tags.map(({ key, value }, i) => ({
          key,
          value: withinLimit(`tags[${i}].value`, limits.runTagValueLength, value, longValues),
        })),
        ...(tagged === undefined ? [{ key: runNameTag, value: name }] : []),
        ...(stepRunId === null ? [] : [{ key: stepTag, value: stepRunId }]),
      ];
      return db.write(async (tx) => {
        const experiment = await activeExperiment(tx, input.experimentId);
        const id = randomBytes(16).toString('hex');
        const row = {
          id,
          experiment_id: Number(experiment.id),
          name,
          user_id: input.userId,
          status: 'RUNNING' as const,
          start_time_ms: input.startTimeMs,
          end_time_ms: null,
          lifecycle_stage: 'active' as const,
          artifact_uri: joinUri(experiment.artifactLocation, id, 'artifacts'),
          step_run_id: stepRunId,
          heartbeat_ms: clock.nowMs(),
        };
        const seq = await insertRun(tx, row);
        await setRunTags(tx, seq, tags);
        await announce(deps, tx, 'run.created', id, { experimentId: experiment.id, name, stepRunId });
        const nothing = { params: [], metrics: [], inputs: [], modelInputs: [], modelOutputs: [] };
        return { ...runInfo({ ...row, seq }), ...nothing, tags };
      });
    },

    /** A run in any stage with all it logged. Throws `run_unknown`. */
    async get(actor: Actor, id: string): Promise<RunRecord> {
      authorize(actor, 'read');
      await settleSummaries(db);
      const [run] = await hydrateRuns(db.read, [await runById(db.read, id)]);
      if (!run) throw fail('run_unknown', { id });
      return run;
    },

    /** Changes status, end and name; what is undefined stays. Throws `run_unknown`, `run_inactive`. */
    async update(
      actor: Actor,
      id: string,
      change: {
        readonly status?: RunStatus | undefined;
        readonly endTimeMs?: number | undefined;
        readonly name?: string | undefined;
      },
    ): Promise<RunInfo> {
      authorize(actor, 'experiments:write');
      return db.write(async (tx) => {
        const row = await activeRun(tx, id);
        const next = {
          ...row,
          status: change.status ?? (row.status === 'LOST' ? 'RUNNING' : row.status),
          end_time_ms: change.endTimeMs ?? row.end_time_ms,
          name: change.name || row.name,
        };
        const { status, end_time_ms, name } = next;
        await updateRun(tx, row.seq, { status, end_time_ms, name, heartbeat_ms: clock.nowMs() });
        if (change.name) await setRunTags(tx, row.seq, [{ key: runNameTag, value: change.name }]);
        if (ended.has(status) && !ended.has(row.status)) {
          const data = { experimentId: String(row.experiment_id), status, stepRunId: row.step_run_id };
          await announce(deps, tx, 'run.ended', id, data);
        }
        return runInfo(next);
      });
    },

    /** Throws `tag_unknown`. */
    async deleteTag(actor: Actor, id: string, key: string): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        const row = await activeRun(tx, id);
        if (!(await deleteRunTag(tx, row.seq, key)))
          throw fail('tag_unknown', { problem: `No tag with name: ${key} in run with id ${id}` });
      });
    },

    /** The runs that the script of a step created, oldest first. */
    async ofStep(actor: Actor, stepRunId: string): Promise<readonly RunRecord[]> {
      authorize(actor, 'read');
      await settleSummaries(db);
      return hydrateRuns(db.read, await runRowsOfStep(db.read, stepRunId));
    },

    /** The value of a tag, undefined when there is none. Throws `run_unknown`. */
    async tag(actor: Actor, id: string, key: string): Promise<string | undefined> {
      authorize(actor, 'read');
      const row = await runById(db.read, id);
      return findRunTag(db.read, row.seq, key);
    },
  };
}

import { randomBytes } from 'node:crypto';
import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import {
  type Condition,
  cutPage,
  type Expression,
  type Grammar,
  invalidFilter,
  mapConditions,
  type OrderKey,
  parseFilter,
  parseOrder,
  readPageToken,
} from '../../../platform/search/index.ts';
import { joinUri } from '../artifact-path.ts';
import type { ArtifactFile, LoggedModelStatus } from '../contract.ts';
import type { LoggedModelRecord, Page } from '../records.ts';
import { randomName } from '../run-name.ts';
import {
  addModelParams,
  deleteModelTag,
  findLoggedModelRow,
  hydrateModels,
  insertLoggedModel,
  type LoggedModelRow,
  loggedModelRowsOfRun,
  setModelTags,
  updateLoggedModel,
} from '../store/logged-models.ts';
import { touchRuns } from '../store/run-life.ts';
import { runRowsOfStep } from '../store/runs.ts';
import {
  type DatasetChoice,
  isLoggedModelAttribute,
  type LoggedModelOrder,
  loggedModelSortColumns,
  searchLoggedModelRows,
} from '../store/search-models.ts';
import { putIntoTrash, takeOutOfTrash } from '../store/trash.ts';
import {
  checkLoggedModelName,
  invalidParameter,
  parseExperimentId,
  pythonRepr,
  type Tag,
} from '../validation.ts';
import { loggedModelVocabulary } from '../vocabulary.ts';
import { filesUnder } from './artifacts.ts';
import { activeExperiment, announce, audit, type ExperimentsDeps, runById } from './context.ts';
import { nextOf, tokenFor } from './model-page-token.ts';

interface NewLoggedModel {
  readonly experimentId: string;
  /** Empty or undefined: a random one. */
  readonly name?: string | undefined;
  readonly modelType: string;
  readonly sourceRunId: string;
  readonly params: readonly Tag[];
  readonly tags: readonly Tag[];
}

interface LoggedModelQuery {
  /** Null: all experiments. */
  readonly experimentIds: readonly string[] | null;
  readonly filter?: string | undefined;
  /** MLflow's unless told otherwise. */
  readonly grammar?: Grammar;
  readonly datasets?: readonly DatasetChoice[];
  readonly orderBy?: readonly LoggedModelOrder[];
  readonly limit: number;
  readonly after?: string | undefined;
}

/** Logged models: what `log_model` saved, each with its own id, params, tags and files. */
export function loggedModelOperations(deps: ExperimentsDeps) {
  const { db, clock } = deps;

  const withFiles = async (rows: readonly LoggedModelRow[]) => {
    const models = await hydrateModels(db.read, rows);
    return Promise.all(models.map(async (m) => ({ ...m, files: await filesUnder(db.read, m.artifactUri) })));
  };

  /** False when the model is in that stage already. */
  const changeStage = async (
    tx: Tx,
    actor: Actor,
    id: string,
    to: 'active' | 'deleted',
  ): Promise<boolean> => {
    const { lifecycle_stage: from } = await modelById(tx, id);
    if (from === to) return false;
    await updateLoggedModel(tx, id, { lifecycle_stage: to, updated_at_ms: clock.nowMs() });
    const action = to === 'deleted' ? 'logged-model:delete' : 'logged-model:restore';
    const change = { before: { lifecycleStage: from }, after: { lifecycleStage: to } };
    await audit(deps, tx, { actor, action, kind: 'logged-model', id, ...change });
    return true;
  };

  return {
    /** Throws `experiment_unknown`, `experiment_inactive`. */
    async create(actor: Actor, input: NewLoggedModel): Promise<LoggedModelRecord> {
      authorize(actor, 'experiments:write');
      if (input.name !== undefined) checkLoggedModelName(input.name);
      return db.write(async (tx) => {
        const experiment = await activeExperiment(tx, input.experimentId);
        const id = `m-${randomBytes(16).toString('hex')}`;
        const row: LoggedModelRow = {
          id,
          experiment_id: Number(experiment.id),
          name: input.name ?? randomName(),
          artifact_uri: joinUri(experiment.artifactLocation, 'models', id, 'artifacts'),
          model_type: input.modelType,
          source_run_id: input.sourceRunId,
          status: 'PENDING',
          lifecycle_stage: 'active',
          created_at_ms: clock.nowMs(),
          updated_at_ms: clock.nowMs(),
        };
        await insertLoggedModel(tx, row);
        await touchRuns(tx, [input.sourceRunId], clock.nowMs());
        await addModelParams(tx, id, input.params);
        await setModelTags(tx, id, input.tags);
        const data = { experimentId: experiment.id, name: row.name, sourceRunId: row.source_run_id };
        await announce(deps, tx, 'logged-model.created', id, data);
        return oneModel(tx, row);
      });
    },

    /** Throws `logged_model_unknown`, for a deleted one too unless they are allowed. */
    async get(actor: Actor, id: string, allowDeleted = false): Promise<LoggedModelRecord> {
      authorize(actor, 'read');
      const row = await modelById(db.read, id);
      if (row.lifecycle_stage === 'deleted' && !allowDeleted) throw fail('logged_model_unknown', { id });
      return oneModel(db.read, row);
    },

    /** Marks a model as completely uploaded, or as failed. */
    async finalize(actor: Actor, id: string, status: LoggedModelStatus): Promise<LoggedModelRecord> {
      authorize(actor, 'experiments:write');
      return db.write(async (tx) => {
        const row = await modelById(tx, id);
        const change = { status, updated_at_ms: clock.nowMs() };
        await updateLoggedModel(tx, id, change);
        if (status === 'READY') {
          const data = {
            experimentId: String(row.experiment_id),
            name: row.name,
            sourceRunId: row.source_run_id,
          };
          await announce(deps, tx, 'logged-model.ready', id, data);
        }
        return oneModel(tx, { ...row, ...change });
      });
    },

    /** Moves a model to the deleted stage; one that is there stays as it is. Throws `logged_model_unknown`. */
    async delete(actor: Actor, id: string): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        const { experiment_id } = await modelById(tx, id);
        if (!(await changeStage(tx, actor, id, 'deleted'))) return;
        const deleted = { deleted_at_ms: clock.nowMs(), deleted_by: `${actor.kind}:${actor.id}` };
        await putIntoTrash(tx, { kind: 'logged-model', id, experiment_id, name: null, ...deleted });
      });
    },

    /** Brings a deleted model back. Throws `logged_model_unknown`, also when it was purged. */
    async restore(actor: Actor, id: string): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        if (await changeStage(tx, actor, id, 'active')) await takeOutOfTrash(tx, 'logged-model', id);
      });
    },

    /** Throws `tracking_invalid` when a param is logged already. */
    async logParams(actor: Actor, id: string, params: readonly Tag[]): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        await modelById(tx, id);
        const [taken] = await addModelParams(tx, id, params);
        if (taken !== undefined) {
          throw invalidParameter(
            `Changing param values is not allowed. Param with key='${taken}' was already logged for model ID='${id}'.`,
          );
        }
      });
    },

    async setTags(actor: Actor, id: string, tags: readonly Tag[]): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        await modelById(tx, id);
        await setModelTags(tx, id, tags);
      });
    },

    async deleteTag(actor: Actor, id: string, key: string): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        await modelById(tx, id);
        if (await deleteModelTag(tx, id, key)) return;
        throw fail('tag_unknown', {
          problem: `No tag with key ${pythonRepr(key)} found for model with ID ${pythonRepr(id)}.`,
        });
      });
    },

    /** Models by filter; newest first unless told otherwise. */
    async search(actor: Actor, query: LoggedModelQuery): Promise<Page<LoggedModelRecord>> {
      authorize(actor, 'read');
      const { orderBy: order = [], grammar = 'mlflow' } = query;
      const filter = parseFilter(query.filter ?? '', loggedModelVocabulary, {
        grammar,
        nowMs: clock.nowMs(),
      });
      for (const { field } of order) checkOrderField(field);
      const list = `logged models by ${JSON.stringify(order)}`;
      const asked = { experimentIds: query.experimentIds ?? [], filter: query.filter ?? null, order };
      const token = query.after && nextOf(asked, query.after);
      const after = token ? readPageToken(token, loggedModelSortColumns(order), list) : null;
      const rows = await searchLoggedModelRows(db.read, db.dialect, {
        experimentIds: query.experimentIds?.map(parseExperimentId) ?? null,
        filter,
        datasets: query.datasets ?? [],
        order,
        limit: query.limit + 1,
        after,
      });
      const page = cutPage(rows, query.limit, list);
      const next = page.next && tokenFor(asked, page.next);
      return { items: await hydrateModels(db.read, page.items), next };
    },

    /** Models by filter and order of our own grammar, with their files. Throws `filter_invalid`. */
    async list(
      actor: Actor,
      query: Pick<LoggedModelQuery, 'experimentIds' | 'filter' | 'limit' | 'after'> & {
        readonly orderBy?: string | undefined;
      },
    ): Promise<Page<LoggedModelRecord & { readonly files: readonly ArtifactFile[] }>> {
      authorize(actor, 'read');
      const nowMs = clock.nowMs();
      const parsed = parseFilter(query.filter ?? '', loggedModelVocabulary, { grammar: 'millrace', nowMs });
      const filter = mapConditions(parsed, wholeKeyFirst);
      const order = parseOrder([query.orderBy ?? ''], loggedModelVocabulary, 'millrace').map(modelOrder);
      const list = `logged models by ${JSON.stringify(order)}`;
      const after = query.after ? readPageToken(query.after, loggedModelSortColumns(order), list) : null;
      const rows = await searchLoggedModelRows(db.read, db.dialect, {
        experimentIds: query.experimentIds?.map(parseExperimentId) ?? null,
        filter,
        datasets: [],
        order,
        limit: query.limit + 1,
        after,
      });
      const page = cutPage(rows, query.limit, list);
      return { items: await withFiles(page.items), next: page.next };
    },

    /** The files of a logged model. Throws `logged_model_unknown`, for a deleted one too. */
    async files(actor: Actor, id: string): Promise<readonly ArtifactFile[]> {
      const { artifactUri } = await this.get(actor, id);
      return filesUnder(db.read, artifactUri);
    },

    /** Models that a run logged, with their files. Throws `run_unknown`. */
    async ofRun(
      actor: Actor,
      runId: string,
    ): Promise<readonly (LoggedModelRecord & { readonly files: readonly ArtifactFile[] })[]> {
      authorize(actor, 'read');
      return withFiles(await loggedModelRowsOfRun(db.read, await runById(db.read, runId)));
    },

    /** Models that the runs of a step logged, with their files, oldest first. */
    async ofStep(
      actor: Actor,
      stepRunId: string,
    ): Promise<readonly (LoggedModelRecord & { readonly files: readonly ArtifactFile[] })[]> {
      authorize(actor, 'read');
      const runs = await runRowsOfStep(db.read, stepRunId);
      const rows = await Promise.all(runs.map((run) => loggedModelRowsOfRun(db.read, run)));
      return withFiles([...new Map(rows.flat().map((row) => [row.id, row])).values()]);
    },
  };
}

async function modelById(tx: Tx, id: string): Promise<LoggedModelRow> {
  const row = await findLoggedModelRow(tx, id);
  if (!row) throw fail('logged_model_unknown', { id });
  return row;
}

async function oneModel(tx: Tx, row: LoggedModelRow): Promise<LoggedModelRecord> {
  const [model] = await hydrateModels(tx, [row]);
  if (!model) throw fail('logged_model_unknown', { id: row.id });
  return model;
}

function checkOrderField(field: string): void {
  if (field.startsWith('metrics.')) return;
  if (field.includes('.')) {
    throw invalidParameter(`Invalid order by field name: ${field}. Only metrics are supported.`);
  }
  if (!isLoggedModelAttribute(field)) throw invalidParameter(`Invalid order by field name: ${field}`);
}

/** Where a model has a metric whose whole name is `loss.min`, that is meant and no statistic of `loss`. */
function wholeKeyFirst(condition: Condition): Expression {
  const { wholeKey, stat: _stat, ...rest } = condition;
  if (wholeKey === undefined) return condition;
  const whole: Condition = { ...rest, key: wholeKey };
  const exists: Condition = { ...whole, comparator: 'IS NOT NULL', value: null };
  const { wholeKey: _, ...statistic } = condition;
  return {
    kind: 'or',
    parts: [
      { kind: 'and', parts: [exists, whole] },
      { kind: 'and', parts: [{ kind: 'not', part: exists }, statistic] },
    ],
  };
}

/** Models are ordered by their attributes and by the newest value of a metric. */
function modelOrder({ entity, key, stat, wholeKey, descending }: OrderKey): LoggedModelOrder {
  const ascending = !descending;
  if (entity === 'attribute') return { field: key, ascending, dataset: {} };
  if (entity === 'metric' && (wholeKey !== undefined || (stat ?? 'last') === 'last')) {
    return { field: `metrics.${wholeKey ?? key}`, ascending, dataset: {} };
  }
  throw invalidFilter(
    `Logged models are not ordered by ${stat ? `the ${stat} of ${key}` : `the ${entity} ${key}`}`,
  );
}

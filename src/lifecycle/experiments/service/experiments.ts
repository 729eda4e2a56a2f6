import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import {
  type Condition,
  cutPage,
  type Grammar,
  mapConditions,
  parseFilter,
  parseOrder,
  readPageToken,
} from '../../../platform/search/index.ts';
import { absoluteLocation, joinUri } from '../artifact-path.ts';
import type { ExperimentRecord, Page } from '../records.ts';
import {
  deleteExperimentTag,
  findExperiment,
  insertExperiment,
  placeDefaultExperiment,
  setExperimentTag,
  updateExperiment,
} from '../store/experiments.ts';
import {
  countExperimentRows,
  experimentSortColumns,
  searchExperimentRecords,
} from '../store/search-experiments.ts';
import {
  checkExperimentName,
  checkExperimentTag,
  invalidParameter,
  limits,
  parseExperimentId,
  type Tag,
} from '../validation.ts';
import { experimentVocabulary } from '../vocabulary.ts';
import {
  activeExperiment,
  announce,
  audit,
  type ExperimentsDeps,
  experimentById,
  stagesOf,
  type View,
} from './context.ts';

interface ExperimentQuery {
  readonly filter?: string;
  readonly orderBy?: readonly string[];
  /** MLflow's unless told otherwise. */
  readonly grammar?: Grammar;
  /** Whether `totalCount` is wanted. */
  readonly count?: boolean;
  readonly view?: View;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** Experiments: named groups of runs. */
export function experimentOperations(deps: ExperimentsDeps) {
  const { db, clock } = deps;
  const defaultRoot = deps.artifactStorage?.defaultRoot ?? 'mlflow-artifacts:/';

  return {
    /**
     * Puts artifacts of the experiment that is there from the start where those of new ones go, as long as nothing
     * was logged to it. Call it once, after the migrations.
     */
    async placeDefault(): Promise<void> {
      if (defaultRoot !== 'mlflow-artifacts:/') {
        await db.write((tx) => placeDefaultExperiment(tx, joinUri(defaultRoot, '0')));
      }
    },

    /** Makes an experiment and returns its id. Throws `experiment_exists`. */
    async create(
      actor: Actor,
      input: {
        readonly name: string;
        readonly artifactLocation?: string | undefined;
        readonly tags: readonly Tag[];
      },
    ): Promise<string> {
      authorize(actor, 'experiments:write');
      checkExperimentName(input.name);
      const location = input.artifactLocation ? absoluteLocation(input.artifactLocation) : null;
      if (location && location.length > limits.artifactLocationLength) {
        throw invalidParameter(
          `Invalid artifact path length. The length of the artifact path cannot be greater than ${limits.artifactLocationLength} characters. To configure this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable.`,
        );
      }
      for (const tag of input.tags) checkExperimentTag(tag.key, tag.value);
      return db.write(async (tx) => {
        const { name, tags } = input;
        const id = await insertExperiment(tx, {
          name,
          tags,
          artifactLocation: location,
          defaultRoot,
          nowMs: clock.nowMs(),
        });
        if (id === null) throw fail('experiment_exists', { name });
        await announce(deps, tx, 'experiment.created', String(id), { name });
        return String(id);
      });
    },

    /** An experiment in any stage. Throws `experiment_unknown`. */
    async get(actor: Actor, id: string): Promise<ExperimentRecord> {
      authorize(actor, 'read');
      return experimentById(db.read, id);
    },

    /** An experiment in any stage. Throws `experiment_name_unknown`. */
    async getByName(actor: Actor, name: string): Promise<ExperimentRecord> {
      authorize(actor, 'read');
      const experiment = await findExperiment(db.read, { name });
      if (!experiment) throw fail('experiment_name_unknown', { name });
      return experiment;
    },

    /** Experiments by filter; newest first unless told otherwise. */
    async search(
      actor: Actor,
      query: ExperimentQuery,
    ): Promise<Page<ExperimentRecord> & { readonly totalCount: number | null }> {
      authorize(actor, 'read');
      const { grammar = 'mlflow' } = query;
      const parsed = parseFilter(query.filter ?? '', experimentVocabulary, { grammar, nowMs: clock.nowMs() });
      const filter = grammar === 'mlflow' ? mapConditions(parsed, withNumericId) : parsed;
      const orderBy = query.orderBy?.length ? query.orderBy : ['creation_time DESC', 'experiment_id ASC'];
      const order = parseOrder(orderBy, experimentVocabulary, grammar);
      const list = `experiments by ${JSON.stringify(order)}`;
      const after = query.after ? readPageToken(query.after, experimentSortColumns(order), list) : null;
      const search = { stages: stagesOf(query.view ?? 'active'), filter };
      const rows = await searchExperimentRecords(db.read, db.dialect, {
        ...search,
        order,
        limit: query.limit + 1,
        after,
      });
      const page = cutPage(rows, query.limit, list);
      const totalCount = query.count ? await countExperimentRows(db.read, db.dialect, search) : null;
      return { items: page.items.map((row) => row.experiment), next: page.next, totalCount };
    },

    /** Throws `experiment_exists` when another experiment has the name, `experiment_inactive` when deleted. */
    async rename(actor: Actor, id: string, name: string): Promise<void> {
      authorize(actor, 'experiments:write');
      checkExperimentName(name);
      await db.write(async (tx) => {
        const experiment = await activeExperiment(tx, id);
        const change = { name, updated_at_ms: clock.nowMs() };
        if (!(await updateExperiment(tx, Number(experiment.id), change)))
          throw fail('experiment_exists', { name });
        const before = { name: experiment.name };
        const action = 'experiment:rename';
        await audit(deps, tx, {
          actor,
          action,
          kind: 'experiment',
          id: experiment.id,
          before,
          after: { name },
        });
      });
    },

    async setTag(actor: Actor, id: string, tag: Tag): Promise<void> {
      authorize(actor, 'experiments:write');
      checkExperimentTag(tag.key, tag.value);
      await db.write(async (tx) => {
        const experiment = await activeExperiment(tx, id);
        await setExperimentTag(tx, Number(experiment.id), tag);
      });
    },

    /** Throws `tag_unknown`. */
    async deleteTag(actor: Actor, id: string, key: string): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        const experiment = await activeExperiment(tx, id);
        if (!(await deleteExperimentTag(tx, Number(experiment.id), key))) {
          throw fail('tag_unknown', { problem: `No tag with name: ${key} in experiment with id ${id}` });
        }
      });
    },
  };
}

/** MLflow compares ids as the numbers that they are. Throws `tracking_invalid` for what is none. */
function withNumericId(condition: Condition): Condition {
  const { entity, key, value, comparator } = condition;
  const isText = comparator === 'LIKE' || comparator === 'ILIKE';
  if (entity !== 'attribute' || key !== 'experiment_id' || isText) return condition;
  const number = (id: unknown): number => parseExperimentId(String(id));
  return { ...condition, value: Array.isArray(value) ? value.map(number) : number(value) };
}

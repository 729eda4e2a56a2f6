import { setImmediate } from 'node:timers/promises';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import {
  ambiguousKeys,
  type Condition,
  conditionsOf,
  cutPage,
  type Expression,
  type Grammar,
  mapConditions,
  parseFields,
  parseFilter,
  parseOrder,
  readPageToken,
  wholeKeys,
} from '../../../platform/search/index.ts';
import type { RunColumn, RunColumnKind } from '../contract/search.ts';
import type { Page, RunRecord } from '../records.ts';
import { hydrateRuns } from '../store/hydrate.ts';
import { existingMetricKeys, latestRunCounts, runColumnRows } from '../store/run-columns.ts';
import type { RunRow } from '../store/runs.ts';
import { runsJson } from '../store/runs-json.ts';
import { countRunRows, runSortColumns, searchRunRows } from '../store/search-runs.ts';
import { settleSummaries } from '../store/settling.ts';
import { parseExperimentId } from '../validation.ts';
import { runVocabulary } from '../vocabulary.ts';
import { type ExperimentsDeps, experimentById, stagesOf, type View } from './context.ts';

interface RunQuery {
  /** Null: all experiments. */
  readonly experimentIds: readonly string[] | null;
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  /** MLflow's unless told otherwise. */
  readonly grammar?: Grammar;
  readonly view?: View;
  readonly limit: number;
  readonly after?: string | undefined;
}

interface RunColumnQuery {
  readonly query?: string | undefined;
  readonly kind?: RunColumnKind | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** A run's name is its tag too; MLflow compares the tag, so a run whose tag was deleted has no name. */
const nameTag = 'mlflow.runName';

/** So many runs are read at one go; others get their turn between two of them. */
const runsAtOnce = 1000;

/** Searching runs. */
export function runSearchOperations(deps: ExperimentsDeps) {
  const { db, clock } = deps;

  const read = async (query: RunQuery) => {
    const { grammar = 'mlflow' } = query;
    const experimentIds = query.experimentIds?.map(parseExperimentId) ?? null;
    const parsed = parseFilter(query.filter ?? '', runVocabulary, { grammar, nowMs: clock.nowMs() });
    const written = parseOrder(query.orderBy ?? [], runVocabulary, grammar);
    const named = ambiguousKeys([...conditionsOf(parsed), ...written]);
    const existing = await existingMetricKeys(db.read, experimentIds, named);
    const filter = mapConditions(parsed, (c) => inGrammar(wholeKeys(c, existing), grammar));
    const order = written.map((key) => withStatus(wholeKeys(key, existing), grammar));
    return { experimentIds, stages: stagesOf(query.view ?? 'active'), filter, order };
  };

  const page = async <K extends keyof RunRow>(
    query: RunQuery,
    wanted: readonly K[] | '*',
  ): Promise<Page<Pick<RunRow, K>> & { readonly count: () => Promise<number> }> => {
    await settleSummaries(db);
    const search = await read(query);
    const list = `runs by ${JSON.stringify(search.order)}`;
    const after = query.after ? readPageToken(query.after, runSortColumns(search.order), list) : null;
    const limited = { ...search, limit: query.limit + 1, after };
    const rows = await searchRunRows(db.read, db.dialect, limited, wanted);
    return { ...cutPage(rows, query.limit, list), count: () => countRunRows(db.read, db.dialect, search) };
  };

  return {
    /**
     * Runs by filter and order; newest first unless told otherwise. Throws `filter_invalid`, `invalid_page_token`.
     *
     * @param query.fields what is wanted of each run (`parseFields`); left out: everything
     * @param query.count whether `totalCount` is wanted, of all that the filter finds
     */
    async search(
      actor: Actor,
      query: RunQuery & { readonly fields?: string | undefined; readonly count?: boolean },
    ): Promise<Page<RunRecord> & { readonly totalCount: number | null }> {
      authorize(actor, 'read');
      const mask = query.fields === undefined ? undefined : parseFields(query.fields);
      const { items, next, count } = await page(query, '*');
      const runs = await inParts(items, (rows) => hydrateRuns(db.read, rows, mask));
      return { items: runs, next, totalCount: query.count ? await count() : null };
    },

    /** The ids of runs by filter and order. */
    async ids(actor: Actor, query: RunQuery): Promise<readonly string[]> {
      authorize(actor, 'read');
      return (await page(query, ['id'])).items.map((row) => row.id);
    },

    /**
     * The same runs as MLflow's REST API writes them (`runsJson`): texts of many runs each, for answers of whole runs
     * by the thousand.
     */
    async searchJson(actor: Actor, query: RunQuery): Promise<Page<Uint8Array>> {
      authorize(actor, 'read');
      const { items, next } = await page(query, ['seq']);
      const seqs = items.map((row) => row.seq);
      return { items: await inParts(seqs, (part) => runsJson(db.read, part)), next };
    },

    /** The keys of metrics, params and tags that runs of an experiment have. Throws `experiment_unknown`. */
    async columns(actor: Actor, id: string, query: RunColumnQuery): Promise<Page<RunColumn>> {
      authorize(actor, 'read');
      await settleSummaries(db);
      const experimentId = Number((await experimentById(db.read, id)).id);
      const list = `columns of ${experimentId}`;
      const after = query.after ? readPageToken(query.after, 2, list).map(String) : null;
      const rows = await runColumnRows(db.read, { ...query, experimentId, limit: query.limit + 1, after });
      const cut = cutPage(
        rows.map((row) => ({ ...row, sort: [row.kind, row.key] })),
        query.limit,
        list,
      );
      const counts = await latestRunCounts(db.read, experimentId, cut.items);
      const items = cut.items.map(({ kind, key }) => ({
        kind,
        key,
        latestRuns: counts.get(`${kind} ${key}`) ?? 0,
      }));
      return { items, next: cut.next };
    },
  };
}

function inGrammar(condition: Condition, grammar: Grammar): Expression {
  if (grammar !== 'mlflow' || condition.entity !== 'attribute' || condition.key !== 'run_name')
    return withStatus(condition, grammar);
  return { ...condition, entity: 'tag', key: nameTag };
}

/** MLflow's grammar knows no lost runs: what is asked of their status is asked of MLflow's word for it. */
function withStatus<T extends { readonly entity: string; readonly key: string }>(
  named: T,
  grammar: Grammar,
): T {
  const isStatus = grammar === 'mlflow' && named.entity === 'attribute' && named.key === 'status';
  return isStatus ? { ...named, key: 'mlflow_status' } : named;
}

async function inParts<R, T>(
  rows: readonly R[],
  hydrate: (part: readonly R[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const done: T[] = [];
  for (let from = 0; from < rows.length; from += runsAtOnce) {
    if (from > 0) await setImmediate();
    done.push(...(await hydrate(rows.slice(from, from + runsAtOnce))));
  }
  return done;
}

/** Queries of experiments and runs: lists that grow, columns, histories of metrics, files. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { RunColumn, RunColumnKind } from '../../../src/lifecycle/experiments/contract/search.ts';
import type {
  ArtifactEntry,
  ArtifactRows,
  Experiment,
  MetricHistory,
  Run,
} from '../../../src/lifecycle/experiments/contract.ts';
import type { Trace, TraceDetail } from '../../../src/lifecycle/experiments/traces/contract.ts';
import { get, type Page } from './client.ts';

const part = encodeURIComponent;

/** A page of a list that was asked how many there are in all. */
export type CountedPage<T> = Page<T> & { readonly totalCount?: number | null };

export type RunsView = {
  readonly experimentId?: string;
  readonly filter?: string;
  readonly orderBy?: string;
  /** What of each run is wanted; see `fieldsOf`. */
  readonly fields: string;
  readonly view?: 'active' | 'deleted' | 'all';
};

const FIRST_PAGE = 100;
const NEXT_PAGES = 500;

/** Runs in the server's order over the whole set; the first page also tells how many there are. */
export const runPagesQuery = (view: RunsView) =>
  infiniteQueryOptions({
    queryKey: ['runs', 'pages', view] as const,
    queryFn: ({ pageParam, signal }) =>
      get<CountedPage<Run>>(
        '/runs',
        pageParam === undefined
          ? { ...view, limit: FIRST_PAGE, count: true }
          : { ...view, limit: NEXT_PAGES, after: pageParam },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

/** Keys that runs of an experiment have, by a part of their name; the list ends after `limit`. */
export const runColumnsQuery = (
  experimentId: string,
  search: { readonly query?: string; readonly kind?: RunColumnKind; readonly limit?: number },
) =>
  queryOptions({
    queryKey: ['run-columns', experimentId, search] as const,
    queryFn: ({ signal }) =>
      get<Page<RunColumn>>(`/experiments/${part(experimentId)}/run-columns`, search, signal),
    placeholderData: keepPreviousData,
  });

/** How a key is written in filters, orders and field masks. */
export const quoted = (key: string): string => (/^\w+$/.test(key) ? key : `\`${key}\``);

const IDS_PER_REQUEST = 120;

/** Runs by their ids, in the order of the ids; ids that do not exist are left out. */
async function fetchRuns(
  ids: readonly string[],
  fields: string,
  signal: AbortSignal,
): Promise<readonly Run[]> {
  const chunks = Array.from({ length: Math.ceil(ids.length / IDS_PER_REQUEST) }, (_, index) =>
    ids.slice(index * IDS_PER_REQUEST, (index + 1) * IDS_PER_REQUEST),
  );
  const pages = await Promise.all(
    chunks.map((chunk) =>
      get<Page<Run>>(
        '/runs',
        {
          filter: `attributes.run_id IN (${chunk.map((id) => `'${id.replace(/[^\w-]/g, '')}'`).join(', ')})`,
          fields,
          view: 'all',
          limit: 1000,
        },
        signal,
      ),
    ),
  );
  const byId = new Map(pages.flatMap((page) => page.items).map((run) => [run.id, run]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

export const runsByIdQuery = (ids: readonly string[], fields: string) =>
  queryOptions({
    queryKey: ['runs', 'by-id', ids.join(), fields] as const,
    queryFn: ({ signal }) => fetchRuns(ids, fields, signal),
    placeholderData: keepPreviousData,
  });

/** A metric's history in at most `buckets` pieces that keep the extremes, of a range of steps if one is given. */
export const historyQuery = (
  runId: string,
  key: string,
  options: { readonly buckets?: number; readonly startStep?: number; readonly endStep?: number } = {},
) =>
  queryOptions({
    queryKey: ['runs', 'history', runId, key, options] as const,
    queryFn: ({ signal }) =>
      get<MetricHistory>(`/runs/${part(runId)}/metric-history`, { key, buckets: 320, ...options }, signal),
    placeholderData: keepPreviousData,
  });

const NEWEST_RUNS = 60;

/** The experiments of the newest runs, whose keys stand for those of all. */
export const newestExperimentsQuery = () =>
  queryOptions({
    queryKey: ['run-columns', 'newest experiments'] as const,
    queryFn: async ({ signal }): Promise<readonly string[]> => {
      const page = await get<Page<Run>>('/runs', { fields: 'name', limit: NEWEST_RUNS }, signal);
      return [...new Set(page.items.map((run) => run.experimentId))];
    },
  });

/** The tag by which a run names the run that it is nested in. */
export const PARENT_TAG = 'mlflow.parentRunId';

/** Runs that are nested directly in one of these, oldest first. */
export const childrenQuery = (ids: readonly string[], fields: string) =>
  queryOptions({
    queryKey: ['runs', 'children', ids.join(), fields] as const,
    queryFn: async ({ signal }) => {
      const inside = ids.map((id) => `'${id.replace(/[^\w-]/g, '')}'`).join(', ');
      const page = await get<Page<Run>>(
        '/runs',
        {
          filter: `tags.\`${PARENT_TAG}\` IN (${inside})`,
          orderBy: 'start_time ASC',
          fields,
          limit: 1000,
        },
        signal,
      );
      return page.items;
    },
  });

/** One folder of the files of a run or logged model; `owner` is its path below /api/v1. */
export const ownerFilesQuery = (owner: string, path: string) =>
  queryOptions({
    queryKey: ['runs', 'files', owner, path] as const,
    queryFn: ({ signal }) => get<Page<ArtifactEntry>>(`${owner}/artifacts`, { path }, signal),
  });

/** The first rows of a Parquet file among them; files do not change by events, and reading one is work. */
export const ownerRowsQuery = (owner: string, path: string) =>
  queryOptions({
    queryKey: ['artifact-rows', owner, path] as const,
    queryFn: ({ signal }) => get<ArtifactRows>(`${owner}/artifact-rows`, { path }, signal),
  });

export const tracesOfRunQuery = (experimentId: string, runId: string) =>
  infiniteQueryOptions({
    queryKey: ['traces', 'of-run', runId] as const,
    queryFn: ({ pageParam, signal }) =>
      get<Page<Trace>>(
        '/traces',
        { experimentId, filter: `run_id = '${runId.replace(/[^\w-]/g, '')}'`, limit: 100, after: pageParam },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<Trace>) => page.next ?? undefined,
  });

export const traceQuery = (id: string) =>
  queryOptions({
    queryKey: ['traces', 'one', id] as const,
    queryFn: ({ signal }) => get<TraceDetail>(`/traces/${part(id)}`, {}, signal),
  });

export const experimentPagesQuery = (query: {
  readonly view: 'active' | 'deleted';
  readonly filter?: string;
}) =>
  infiniteQueryOptions({
    queryKey: ['experiments', 'pages', query] as const,
    queryFn: ({ pageParam, signal }) =>
      get<CountedPage<Experiment>>(
        '/experiments',
        { ...query, limit: 100, after: pageParam, ...(pageParam === undefined ? { count: true } : {}) },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });

import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { newestExperimentsQuery, type RunsView, runPagesQuery } from '../../../api/tracking.ts';
import { useRows } from '../../../kit/use-rows.ts';
import { useRunKeys } from '../run-keys.ts';
import { type ColumnRef, parseColumns, suggestedColumns } from './columns.ts';

const COLUMNS_KEY = 'millrace.runs.columns.';
const PARAM_CANDIDATES = 12;
const PARAMS_SHOWN = 3;

/**
 * The runs of a view as far as they are loaded. Live changes are followed while the reader is at the top; who reads
 * further down keeps what is there. Back at the top only the first page is kept, so that following costs one request.
 */
export function useRunPages(view: RunsView, reading: boolean, ready: boolean) {
  const queries = useQueryClient();
  const options = runPagesQuery(view);
  const query = useInfiniteQuery({ ...options, enabled: ready && !reading });
  const { queryKey } = options;
  const key = JSON.stringify(queryKey);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key as text stands for the key.
  useEffect(() => {
    if (reading) return;
    queries.setQueryData(queryKey, (old) =>
      old && old.pages.length > 1
        ? { pages: old.pages.slice(0, 1), pageParams: old.pageParams.slice(0, 1) }
        : old,
    );
  }, [reading, key, queries]);
  const { rows, more } = useRows(query);
  return { query, rows, more, totalCount: query.data?.pages[0]?.totalCount ?? null };
}

/**
 * The columns of a view: what the address says, else what was chosen here before, else what the latest runs have
 * most. `ready` once they are known.
 */
export function useColumns(
  experimentId: string | undefined,
  asked: string | undefined,
): {
  readonly columns: readonly ColumnRef[];
  readonly ready: boolean;
  readonly isSuggested: boolean;
  readonly experiments: readonly string[];
} {
  const chosen = asked ?? localStorage.getItem(COLUMNS_KEY + (experimentId ?? 'all'));
  const newest = useQuery({ ...newestExperimentsQuery(), enabled: experimentId === undefined });
  const experiments = useMemo(
    () => (experimentId === undefined ? (newest.data ?? []) : [experimentId]),
    [experimentId, newest.data],
  );
  const metrics = useRunKeys(experiments, { kind: 'metric', limit: 300 }, chosen === null);
  const params = useRunKeys(experiments, { kind: 'param', limit: 100 }, chosen === null);
  const isKnown = experimentId !== undefined || newest.isFetched;
  // What was suggested stays, although other keys become more common: columns do not move while somebody reads.
  const kept = useRef<{ readonly of: string | undefined; readonly columns: readonly ColumnRef[] } | null>(
    null,
  );
  return useMemo(() => {
    if (chosen !== null)
      return { columns: parseColumns(chosen), ready: true, isSuggested: false, experiments };
    const ready = isKnown && metrics.isFetched && params.isFetched;
    const before = kept.current;
    if (before && before.of === experimentId && isWhole(before.columns))
      return { columns: before.columns, ready: true, isSuggested: true, experiments };
    const keys = [...metrics.keys, ...params.keys];
    const own: readonly ColumnRef[] = experimentId === undefined ? [{ kind: 'own', key: 'experiment' }] : [];
    const columns = [
      ...own,
      ...suggestedColumns(keys, { metrics: innerWidth < 700 ? 2 : 4, params: PARAM_CANDIDATES }),
    ];
    if (ready) kept.current = { of: experimentId, columns };
    return { columns, ready, isSuggested: true, experiments };
  }, [chosen, metrics, params, experimentId, experiments, isKnown]);
}

const isWhole = (columns: readonly ColumnRef[]): boolean =>
  columns.some((column) => column.kind === 'metric') && columns.some((column) => column.kind === 'param');

/** Keeps a choice of columns for the next visit; null forgets it. */
export function keepColumns(experimentId: string | undefined, columns: string | null): void {
  const key = COLUMNS_KEY + (experimentId ?? 'all');
  if (columns === null) localStorage.removeItem(key);
  else localStorage.setItem(key, columns);
}

/**
 * What is shown of suggested columns: params that are the same in all runs that are loaded would only fill the table,
 * and after three others nobody reads on.
 */
export function tellingColumns(columns: readonly ColumnRef[], runs: readonly Run[]): readonly ColumnRef[] {
  const sample = runs.slice(0, 200);
  const distinct = (key: string): number => new Set(sample.map((run) => run.params[key])).size;
  const params = columns
    .flatMap((column) => (column.kind === 'param' ? [column.key] : []))
    .filter((key) => distinct(key) > 1)
    .slice(0, PARAMS_SHOWN);
  return columns.filter((column) => column.kind !== 'param' || params.includes(column.key));
}

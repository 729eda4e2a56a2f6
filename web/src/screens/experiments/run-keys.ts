import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { RunColumn, RunColumnKind } from '../../../../src/lifecycle/experiments/contract/search.ts';
import { runColumnsQuery } from '../../api/tracking.ts';
import { byName } from '../../kit/by-name.ts';
import { useStable } from '../../kit/use-stable.ts';

/** More experiments than this are not asked for their keys at once. */
const MOST_EXPERIMENTS = 6;

/**
 * Keys that runs of some experiments have, those of the most runs first; `query` is a part of their names, searched
 * by the server.
 */
export function useRunKeys(
  experimentIds: readonly string[],
  search: { readonly kind?: RunColumnKind; readonly query?: string; readonly limit: number },
  enabled = true,
): {
  readonly keys: readonly RunColumn[];
  readonly hasMore: boolean;
  readonly isFetched: boolean;
  readonly error: unknown;
} {
  const { kind, query, limit } = search;
  const answers = useQueries({
    queries: experimentIds.slice(0, MOST_EXPERIMENTS).map((id) => ({
      ...runColumnsQuery(id, {
        limit: Math.min(1000, limit),
        ...(kind ? { kind } : {}),
        ...(query ? { query } : {}),
      }),
      enabled,
    })),
  });
  const pages = useStable(answers.map((answer) => answer.data));
  const isFetched = answers.every((answer) => answer.isFetched);
  const error = answers.find((answer) => answer.isError && !answer.data)?.error ?? null;
  return useMemo(() => {
    const found = new Map<string, RunColumn>();
    for (const each of pages.flatMap((page) => page?.items ?? [])) {
      const name = `${each.kind} ${each.key}`;
      const before = found.get(name)?.latestRuns ?? 0;
      found.set(name, { ...each, latestRuns: before + each.latestRuns });
    }
    const keys = [...found.values()].toSorted((a, b) => b.latestRuns - a.latestRuns || byName(a.key, b.key));
    return {
      keys: keys.slice(0, limit),
      hasMore: keys.length > limit || pages.some((page) => page?.next != null),
      isFetched,
      error,
    };
  }, [pages, isFetched, error, limit]);
}

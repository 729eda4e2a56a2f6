import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { RunColumn, RunColumnKind } from '../../../../../src/lifecycle/experiments/contract/search.ts';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { runColumnsQuery } from '../../../api/tracking.ts';

const EXPERIMENTS = 6;

/** Keys that runs of the compared runs' experiments have, those of the most runs first. */
export function useKeys(
  runs: readonly Run[],
  kind: RunColumnKind,
  query: string,
  limit: number,
): { readonly keys: readonly string[]; readonly hasMore: boolean; readonly isEmpty: boolean } {
  const experiments = [...new Set(runs.map((run) => run.experimentId))].slice(0, EXPERIMENTS);
  const answers = useQueries({
    queries: experiments.map((id) =>
      runColumnsQuery(id, { kind, limit: Math.min(1000, limit), ...(query ? { query } : {}) }),
    ),
  });
  const stamp = answers.map((answer) => answer.dataUpdatedAt).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stamp stands for the answers.
  return useMemo(() => {
    const found = new Map<string, RunColumn>();
    for (const each of answers.flatMap((answer) => answer.data?.items ?? []))
      if ((found.get(each.key)?.latestRuns ?? -1) < each.latestRuns) found.set(each.key, each);
    const keys = [...found.values()]
      .toSorted(
        (a, b) => b.latestRuns - a.latestRuns || a.key.localeCompare(b.key, undefined, { numeric: true }),
      )
      .map((each) => each.key)
      .slice(0, limit);
    return {
      keys,
      hasMore: answers.some((answer) => answer.data?.next != null) || found.size > limit,
      isEmpty: answers.every((answer) => answer.isFetched) && found.size === 0,
    };
  }, [stamp, limit]);
}

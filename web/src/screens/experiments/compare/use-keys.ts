import { useMemo } from 'react';
import type { RunColumnKind } from '../../../../../src/lifecycle/experiments/contract/search.ts';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { useRunKeys } from '../run-keys.ts';

/** Keys that runs of the compared runs' experiments have, those of the most runs first. */
export function useKeys(
  runs: readonly Run[],
  kind: RunColumnKind,
  query: string,
  limit: number,
): { readonly keys: readonly string[]; readonly hasMore: boolean; readonly isEmpty: boolean } {
  const experiments = useMemo(() => [...new Set(runs.map((run) => run.experimentId))], [runs]);
  const found = useRunKeys(experiments, { kind, query, limit });
  return useMemo(
    () => ({
      keys: found.keys.map((each) => each.key),
      hasMore: found.hasMore,
      isEmpty: found.isFetched && found.keys.length === 0,
    }),
    [found],
  );
}

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { openRolloutsQuery, type RolloutFilter, rolloutsQuery } from '../../../../api/queries.ts';
import { compact } from '../../../../kit/search-params.ts';
import type { RolloutsSearch } from '../../search.ts';
import { inOrder, rowOfRollout } from './rollout-rows.ts';

/** The rollouts of endpoints and of loops that fit and are known so far, in one order. */
export function useRolloutRows({ state, endpoint, model, text, kind }: RolloutsSearch) {
  const filter: RolloutFilter = compact({ endpoint, model, text });
  // What has not ended is there from the start, however many have ended since it began.
  const open = useQuery({ ...openRolloutsQuery(filter), enabled: state === undefined });
  const query = useInfiniteQuery(rolloutsQuery(state ?? 'all', filter));
  const rows = useMemo(() => {
    const rollouts = [
      ...(state === undefined ? (open.data?.items ?? []) : []),
      ...(query.data?.pages.flatMap((page) => page.items) ?? []),
    ];
    const byId = new Map(rollouts.map((rollout) => [rollout.id, rollout]));
    return inOrder([...byId.values()].map(rowOfRollout)).filter(
      (row) => kind === undefined || row.kind === kind,
    );
  }, [state, kind, open.data, query.data]);
  return {
    query,
    rows,
    /** Reads on; null: that is all, or it is being read. */
    more: query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : null,
    /** False while some are not read yet. */
    isWhole: !query.hasNextPage,
  };
}

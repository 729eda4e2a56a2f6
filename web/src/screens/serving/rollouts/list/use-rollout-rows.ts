import { type UseQueryResult, useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Turn } from '../../../../../../src/loop/contract.ts';
import {
  allRolloutsQuery,
  openRolloutsQuery,
  rolledOutTurnQuery,
  turnsQuery,
} from '../../../../api/queries.ts';
import { inOrder, mayBeRolledOut, type RolloutRow, rowOfRollout, rowOfTurn } from './rollout-rows.ts';

/** Turns are read one by one for what they did to the traffic; older ones are found under Turns. */
const NEWEST_TURNS = 60;

const turnsOf = (results: readonly UseQueryResult<Turn>[]): readonly Turn[] =>
  results.flatMap(({ data }) => (data ? [data] : []));

/** Every rollout that is known so far, those of endpoints and those of loops, in one order. */
export function useRolloutRows() {
  // What has not ended is there from the start, however many have ended since it began.
  const open = useQuery(openRolloutsQuery());
  const all = useInfiniteQuery(allRolloutsQuery());
  const summaries = useQuery(turnsQuery(undefined, NEWEST_TURNS));
  const candidates = (summaries.data?.items ?? []).filter(mayBeRolledOut);
  const turns = useQueries({ queries: candidates.map(rolledOutTurnQuery), combine: turnsOf });
  const rows = useMemo(() => {
    const rollouts = [...(open.data?.items ?? []), ...(all.data?.pages.flatMap((page) => page.items) ?? [])];
    // Those of turns are shown by what the turn itself knows.
    const own = rollouts.filter(({ turn }) => turn === null);
    const byId = new Map(own.map((rollout) => [rollout.id, rollout]));
    const ofTurns = turns.map(rowOfTurn).filter((row): row is RolloutRow => row !== null);
    return inOrder([...[...byId.values()].map(rowOfRollout), ...ofTurns]);
  }, [open.data, all.data, turns]);
  return {
    query: all,
    rows,
    /** False while some are not read yet. */
    isWhole: !summaries.isPending && turns.length === candidates.length && !all.hasNextPage,
    more: all.hasNextPage && !all.isFetchingNextPage ? () => void all.fetchNextPage() : null,
    hasOlderTurns: summaries.data?.next !== null && summaries.data !== undefined,
  };
}

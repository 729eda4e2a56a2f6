import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';

/** The rows of a list as far as its pages are read, and how to read on: nothing while that is under way, or at the end. */
export function useRows<T>(query: UseInfiniteQueryResult<InfiniteData<{ readonly items: readonly T[] }>>): {
  readonly rows: readonly T[];
  readonly more: () => void;
} {
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const rows = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  return { rows, more };
}

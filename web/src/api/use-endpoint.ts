import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Prediction } from '../../../src/lifecycle/feedback/contract.ts';
import { get } from './client.ts';

const KEY = 'millrace.endpoint';
/** So many endpoints are asked for their newest row. */
const MOST_ASKED = 20;

/**
 * The endpoint that a screen about one of them opens on: the one in its address, else the one that was looked at last
 * in this browser, else the one with the newest rows in its log. undefined while that is not known, or without any.
 */
export function useEndpoint(asked: string | undefined, names: readonly string[]): string | undefined {
  const looked = localStorage.getItem(KEY);
  const known = asked ?? names.find((name) => name === looked);
  const newest = useQuery({
    queryKey: ['newest-log', names],
    queryFn: () => withNewestLog(names.slice(0, MOST_ASKED)),
    enabled: known === undefined && names.length > 1,
  });
  const chosen = known ?? newest.data ?? undefined;
  useEffect(() => {
    if (chosen !== undefined) localStorage.setItem(KEY, chosen);
  }, [chosen]);
  return chosen ?? (names.length > 1 && newest.isPending ? undefined : names[0]);
}

/** The one whose newest row came last; null where none has a row. */
async function withNewestLog(names: readonly string[]): Promise<string | null> {
  const logs = await Promise.all(
    names.map(async (name) => {
      const query = { endpoint: name, limit: 1 };
      const page = await get<{ items: readonly Prediction[] }>('/predictions', query);
      return page.items.map(({ receivedAt }) => ({ name, at: Date.parse(receivedAt) }));
    }),
  );
  return logs.flat().toSorted((a, b) => b.at - a.at)[0]?.name ?? null;
}

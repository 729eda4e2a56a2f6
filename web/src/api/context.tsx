import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, type ReactNode, use, useEffect, useState, useSyncExternalStore } from 'react';
import { createLiveHub, type JournalEvent, type LiveHub, type LiveState } from './live.ts';
import { ProblemError } from './problem.ts';

const LiveContext = createContext<LiveHub | null>(null);

function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // A browser that knows of no network reaches a server on its own machine all the same.
        networkMode: 'always',
        staleTime: 15_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => !(error instanceof ProblemError) && failures < 2,
        retryDelay: (attempt) => Math.min(600 * 2 ** attempt, 5000),
      },
      mutations: { networkMode: 'always' },
    },
  });
}

/** Server state for the page: the query cache and the one live connection that keeps it fresh. */
export function ApiProvider(props: { readonly children: ReactNode }) {
  const [queries] = useState(createQueries);
  const [hub] = useState(() => createLiveHub(queries));
  useEffect(() => hub.start(), [hub]);
  return (
    <QueryClientProvider client={queries}>
      <LiveContext value={hub}>{props.children}</LiveContext>
    </QueryClientProvider>
  );
}

function useHub(): LiveHub {
  const hub = use(LiveContext);
  if (!hub) throw new Error('ApiProvider is missing above this component');
  return hub;
}

export function useLive(): LiveState {
  const hub = useHub();
  return useSyncExternalStore(hub.subscribe, hub.read);
}

/** Calls `listener` for every journal event while the component is shown. */
export function useJournal(listener: (event: JournalEvent) => void): void {
  const hub = useHub();
  useEffect(() => hub.onEvent(listener), [hub, listener]);
}

import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { createEventStreamParser } from './event-stream.ts';
import { pathPrefix } from './prefix.ts';

/** An event of the journal as the feed sends it. */
export type JournalEvent = {
  readonly seq: number;
  readonly type: string;
  readonly subject: { readonly kind: string; readonly id: string };
  readonly data: unknown;
  readonly at: string;
};

export type LiveState = { readonly status: 'connecting' | 'live' | 'lost'; readonly sinceMs: number };

export type LiveHub = {
  readonly start: () => () => void;
  readonly subscribe: (listener: () => void) => () => void;
  readonly read: () => LiveState;
  readonly onEvent: (listener: (event: JournalEvent) => void) => () => void;
};

/** Which queries an event makes old, by the first part of the query's key. */
const TOUCHES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^dataset/, ['datasets']],
  [/^(experiment|run|logged-model)\./, ['experiments', 'runs', 'run-columns']],
  [/^trace/, ['traces']],
  [/^evaluation/, ['evaluations']],
  [/^(registered-model|model-version|model-alias|model)\./, ['registry', 'loops']],
  [/^endpoint\./, ['endpoints', 'loops', 'rollouts']],
  [/^endpoint-key/, ['endpoint-keys']],
  [/^replica\./, ['replicas', 'endpoints']],
  [/^(prediction-segment|label-segment)/, ['predictions', 'feedback', 'traffic', 'rollouts']],
  [/^(window|monitor)/, ['windows', 'monitors']],
  [/^alert/, ['alerts', 'loops']],
  [/^loop\./, ['loops']],
  [/^rollout\./, ['rollouts', 'endpoints']],
  [/^turn\./, ['turns', 'loops', 'endpoints', 'registry']],
  [/^(job|step)/, ['jobs', 'step-runs', 'turns', 'replays', 'batches']],
  [/^webhook/, ['webhooks']],
  [/^watermark/, ['watermarks', 'loops']],
];

/** First parts of the keys of all queries that an event of this type makes old; audit and feed always. */
export function touchedBy(type: string): readonly string[] {
  const found = TOUCHES.filter(([pattern]) => pattern.test(type)).flatMap(([, keys]) => keys);
  return [...new Set([...found, 'audit', 'events'])];
}

/** Meta of a mutation after which the screen that began it is left. */
export const LEAVES_SCREEN = { leavesScreen: true } as const;

const COALESCE_MS = 700;
const SILENCE_MS = 45_000;

/**
 * One connection for the whole page. Events only mark queries as old, at most once per 700 ms and query, so a
 * replay of thousands of events a second costs a handful of requests. Reconnects with growing pauses and
 * refetches everything shown after a gap, and what had been read before the first connection.
 */
export function createLiveHub(queries: QueryClient, url = `${pathPrefix}/api/v1/events`): LiveHub {
  const listeners = new Set<() => void>();
  const eventListeners = new Set<(event: JournalEvent) => void>();
  let state: LiveState = { status: 'connecting', sinceMs: Date.now() };
  const dirty = new Set<string>();
  let flushing = false;

  const become = (status: LiveState['status']): void => {
    if (state.status === status) return;
    state = { status, sinceMs: Date.now() };
    for (const listener of listeners) listener();
  };

  const flush = (): void => {
    // Nobody looks at a hidden tab: what is old stays marked until it is shown again.
    if (document.hidden) {
      document.addEventListener('visibilitychange', flush, { once: true });
      return;
    }
    // What is being deleted must not be asked for again while its screen is still there.
    if (queries.isMutating({ predicate: ({ meta }) => meta === LEAVES_SCREEN }) > 0) {
      setTimeout(flush, COALESCE_MS);
      return;
    }
    flushing = false;
    const keys = [...dirty];
    dirty.clear();
    for (const key of keys) {
      const queryKey: QueryKey = [key];
      void queries.invalidateQueries({ queryKey }, { cancelRefetch: false });
    }
  };

  const take = (event: JournalEvent): void => {
    for (const key of touchedBy(event.type)) dirty.add(key);
    if (!flushing) setTimeout(flush, COALESCE_MS);
    flushing = true;
    for (const listener of eventListeners) listener(event);
  };

  async function follow(signal: AbortSignal, lastId: string): Promise<string> {
    const controller = new AbortController();
    const giveUp = (): void => controller.abort();
    signal.addEventListener('abort', giveUp);
    let silence = setTimeout(giveUp, SILENCE_MS);
    let id = lastId;
    try {
      const response = await fetch(url, {
        headers: { accept: 'text/event-stream', ...(lastId ? { 'last-event-id': lastId } : {}) },
        signal: controller.signal,
        cache: 'no-store',
      });
      if (!response.ok || !response.body) throw new TypeError(`events answered ${response.status}`);
      become('live');
      // What was read before is older than the first event that this connection tells of.
      if (!lastId) void queries.invalidateQueries({ predicate: ({ state }) => state.dataUpdatedAt > 0 });
      const parse = createEventStreamParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return id;
        clearTimeout(silence);
        silence = setTimeout(giveUp, SILENCE_MS);
        for (const message of parse(value)) {
          id = message.id || id;
          try {
            take(JSON.parse(message.data) as JournalEvent);
          } catch {
            // A message that is no JSON carries no news for a screen.
          }
        }
      }
    } catch {
      return id;
    } finally {
      clearTimeout(silence);
      signal.removeEventListener('abort', giveUp);
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    let lastId = '';
    let pauseMs = 500;
    while (!signal.aborted) {
      const began = Date.now();
      lastId = await follow(signal, lastId);
      if (signal.aborted) return;
      become('lost');
      pauseMs = Date.now() - began > 10_000 ? 500 : Math.min(pauseMs * 1.7, 8000);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      void queries.invalidateQueries();
    }
  }

  return {
    start() {
      const controller = new AbortController();
      void run(controller.signal);
      return () => controller.abort();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    read: () => state,
    onEvent(listener) {
      eventListeners.add(listener);
      return () => eventListeners.delete(listener);
    },
  };
}

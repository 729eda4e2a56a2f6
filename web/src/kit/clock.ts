import { useSyncExternalStore } from 'react';

/** One ticking clock for every relative time on the page; a tick each 5 s is as exact as "12 s ago" needs. */
function createClock(periodMs: number) {
  let now = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const listeners = new Set<() => void>();
  return {
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      timer ??= setInterval(() => {
        now = Date.now();
        for (const each of listeners) each();
      }, periodMs);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
      };
    },
    read: (): number => now,
  };
}

const clock = createClock(5000);

/** Wall-clock milliseconds, refreshed every 5 s. */
export function useNow(): number {
  return useSyncExternalStore(clock.subscribe, clock.read);
}

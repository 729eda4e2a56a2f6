import { createContext, type ReactNode, use, useState, useSyncExternalStore } from 'react';

type HoverStore = {
  readonly read: () => number | null;
  readonly set: (atMs: number | null) => void;
  readonly subscribe: (listener: () => void) => () => void;
};

function createHoverStore(): HoverStore {
  let at: number | null = null;
  const listeners = new Set<() => void>();
  return {
    read: () => at,
    set(next) {
      if (next === at) return;
      at = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const HoverContext = createContext<HoverStore | null>(null);

/** One hairline for all time charts inside: they share the moment under the pointer. */
export function HoverGroup(props: { readonly children: ReactNode }) {
  const [store] = useState(createHoverStore);
  return <HoverContext value={store}>{props.children}</HoverContext>;
}

/** The hovered moment of the nearest group (or of this chart alone) and its setter. */
export function useHover(): readonly [number | null, (atMs: number | null) => void] {
  const shared = use(HoverContext);
  const [own] = useState(createHoverStore);
  const store = shared ?? own;
  return [useSyncExternalStore(store.subscribe, store.read), store.set];
}

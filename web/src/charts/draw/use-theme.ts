import { useSyncExternalStore } from 'react';

const read = (): string => document.documentElement.dataset.theme ?? 'light';

function subscribe(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  return () => observer.disconnect();
}

/** The theme in force, for what is drawn on a canvas and must be drawn again when it changes. */
export const useTheme = (): string => useSyncExternalStore(subscribe, read);

import { createContext, type ReactNode, use, useEffect, useMemo, useRef } from 'react';

type Shortcut = { readonly keys: string; readonly label: string; readonly run: () => void };

type Registry = {
  readonly add: (shortcut: Shortcut) => () => void;
  readonly list: () => readonly Shortcut[];
};

const ShortcutContext = createContext<Registry | null>(null);
const CHORD_MS = 1200;

/** `mod+k`, `/`, `?`, `g r`: what a key press reads as. */
function keyName(event: Pick<KeyboardEvent, 'key' | 'metaKey' | 'ctrlKey' | 'altKey'>): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.metaKey || event.ctrlKey ? `mod+${key}` : event.altKey ? `alt+${key}` : key;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Listens once for the page. The shortcut added last wins, so a panel can take a key from its screen. */
export function ShortcutProvider(props: { readonly children: ReactNode }) {
  const shortcuts = useRef<Shortcut[]>([]);
  const registry = useMemo<Registry>(
    () => ({
      add(shortcut) {
        shortcuts.current.push(shortcut);
        return () => {
          shortcuts.current = shortcuts.current.filter((each) => each !== shortcut);
        };
      },
      list: () => shortcuts.current,
    }),
    [],
  );
  useEffect(() => {
    let chord = '';
    let chordAt = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      const name = keyName(event);
      if (isTyping(event.target) && !name.startsWith('mod+')) return;
      // Enter belongs to what is focused: a link or a button does its own thing.
      if (name === 'Enter' && event.target instanceof Element && event.target.closest('a, button, summary'))
        return;
      if (document.querySelector('dialog[open]') && name !== 'mod+k') return;
      const whole = chord && Date.now() - chordAt < CHORD_MS ? `${chord} ${name}` : name;
      const found = shortcuts.current.findLast((each) => each.keys === whole);
      chord = '';
      if (found) {
        event.preventDefault();
        found.run();
      } else if (shortcuts.current.some((each) => each.keys.startsWith(`${name} `))) {
        chord = name;
        chordAt = Date.now();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  return <ShortcutContext value={registry}>{props.children}</ShortcutContext>;
}

/** Registers a key for as long as the component is shown. */
export function useShortcut(keys: string, label: string, run: () => void): void {
  const registry = use(ShortcutContext);
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => registry?.add({ keys, label, run: () => latest.current() }), [registry, keys, label]);
}

/** All shortcuts that work at this moment, without doubles. */
export function useShortcutList(): () => readonly Shortcut[] {
  const registry = use(ShortcutContext);
  return () => [...new Map((registry?.list() ?? []).map((each) => [each.keys, each])).values()];
}

import { useCallback, useEffect, useRef, useState } from 'react';
import { useJournal } from '../api/context.tsx';
import { touchedBy } from '../api/live.ts';

const TOP_PX = 240;

/**
 * Whether somebody is reading further down a list that is newest first. New rows would move what is being read,
 * so the list stands still until the reader is back at the top; `news` says that something came meanwhile.
 *
 * @param key first part of the query's key
 */
export function useReading(key: string): { readonly reading: boolean; readonly news: boolean } {
  const [reading, setReading] = useState(() => scrollY > TOP_PX);
  const [news, setNews] = useState(false);
  useEffect(() => {
    const follow = (): void => {
      setReading(scrollY > TOP_PX);
      if (scrollY <= TOP_PX) setNews(false);
    };
    addEventListener('scroll', follow, { passive: true });
    return () => removeEventListener('scroll', follow);
  }, []);
  useJournal(
    useCallback(
      (event) => {
        if (scrollY > TOP_PX && touchedBy(event.type).includes(key)) setNews(true);
      },
      [key],
    ),
  );
  return { reading, news };
}

/** Tells a reader that newer rows wait at the top. */
export function NewsNote(props: { readonly news: boolean }) {
  if (!props.news) return null;
  return (
    <button
      type="button"
      onClick={() => scrollTo({ top: 0 })}
      className="fade-in -translate-x-1/2 fixed top-14 left-1/2 z-20 h-8 rounded-full border border-line-strong bg-raised px-4 text-label shadow-float hover:bg-sunken"
    >
      Newer rows have come ↑
    </button>
  );
}

/**
 * Whether something that touches `key` has happened that a list which scrolls by itself does not show yet, because
 * somebody reads further down in it.
 *
 * @param shownAtMs when what is shown was read
 */
export function useNews(key: string, reading: boolean, shownAtMs: number): boolean {
  const lastAt = useRef(0);
  const [news, setNews] = useState(false);
  useEffect(() => setNews(reading && lastAt.current > shownAtMs), [reading, shownAtMs]);
  useJournal(
    useCallback(
      (event) => {
        if (!touchedBy(event.type).includes(key)) return;
        lastAt.current = Date.now();
        if (reading) setNews(true);
      },
      [key, reading],
    ),
  );
  return news;
}

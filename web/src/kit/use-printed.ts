import { useEffect, useState } from 'react';
import { flushSync } from 'react-dom';
import { formatCount } from './format.ts';

/** So many rows of a table are printed: some twenty pages. The screens' exports have all. */
export const MOST_PRINTED = 1000;

/** Whether the page is being printed: tables that draw only what is in sight draw the rest then. */
export function useIsPrinted(): boolean {
  const [isPrinted, setPrinted] = useState(false);
  useEffect(() => {
    // The paper is laid out as soon as the event is over; the media query's own event comes too late for it.
    const begin = (): void => flushSync(() => setPrinted(true));
    const end = (): void => flushSync(() => setPrinted(false));
    addEventListener('beforeprint', begin);
    addEventListener('afterprint', end);
    return () => {
      removeEventListener('beforeprint', begin);
      removeEventListener('afterprint', end);
    };
  }, []);
  return isPrinted;
}

/** Below a table on paper, which rows are not there; null where all are. */
export const unprintedNote = (rows: number): string | null =>
  rows > MOST_PRINTED ? `The first ${formatCount(MOST_PRINTED)} of ${formatCount(rows)} rows` : null;

import { useCallback, useState } from 'react';

type Widths = Readonly<Record<string, number>>;

function read(key: string): Widths {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Widths) : {};
  } catch {
    return {};
  }
}

/** Widths that a person gave to columns, kept in this browser. */
export function useWidths(key: string): {
  readonly widths: Widths;
  readonly setWidth: (column: string, widthPx: number) => void;
} {
  const [widths, setWidths] = useState<Widths>(() => read(key));
  const setWidth = useCallback(
    (column: string, widthPx: number) =>
      setWidths((old) => {
        const next = { ...old, [column]: widthPx };
        localStorage.setItem(key, JSON.stringify(next));
        return next;
      }),
    [key],
  );
  return { widths, setWidth };
}

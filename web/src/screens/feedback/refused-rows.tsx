import { useCallback } from 'react';
import type { RowError } from '../../../../src/lifecycle/feedback/contract.ts';
import { formatCount, plural } from '../../kit/format.ts';

/** Which rows of a file or a query were refused and why; folded. `refused` may be more than are named. */
export function RefusedRows(props: { readonly errors: readonly RowError[]; readonly refused: number }) {
  const { errors, refused } = props;
  const others = refused - errors.length;
  return (
    <details>
      <summary className="py-1 text-accent text-label">what was refused</summary>
      <ul className="max-h-48 overflow-y-auto pt-1 text-label text-muted">
        {errors.map(({ row, problem }) => (
          <li key={`${row} ${problem}`} className="wrap-anywhere">
            Row {formatCount(row)}: {problem}
          </li>
        ))}
        {others > 0 && <li>and {plural(others, 'other')}</li>}
      </ul>
    </details>
  );
}

/** The id of an element that an address may name behind its `#`: what is read later is scrolled to once it is there. */
export function useNamed(id: string) {
  const ref = useCallback(
    (element: HTMLElement | null) => {
      if (element && decodeURIComponent(location.hash) === `#${id}`)
        element.scrollIntoView({ block: 'center' });
    },
    [id],
  );
  return { id, ref };
}

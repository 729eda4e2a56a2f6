import type { ReactNode } from 'react';
import { foldRoutine } from './fold.ts';
import { plural } from './format.ts';

/**
 * A history of a route, newest first. A bandit moves its shares as often as its plan says: of such moves that follow
 * each other the newest stands open, and the rest behind it.
 */
export function FoldedList<T>(props: {
  readonly entries: readonly T[];
  readonly isRoutine: (entry: T) => boolean;
  readonly keyOf: (entry: T) => string;
  readonly rowClass: string;
  readonly children: (entry: T) => ReactNode;
}) {
  const { entries, isRoutine, keyOf, rowClass, children } = props;
  return (
    <ol className="flex flex-col">
      {foldRoutine(entries, isRoutine).map(({ shown, again }) => (
        <li key={keyOf(shown)} className={rowClass}>
          {children(shown)}
          {again.length > 0 && (
            <details>
              <summary className="text-accent text-label">
                {plural(again.length, 'earlier move')} of the shares
              </summary>
              <ol>
                {again.map((entry) => (
                  <li key={keyOf(entry)} className="pt-1.5">
                    {children(entry)}
                  </li>
                ))}
              </ol>
            </details>
          )}
        </li>
      ))}
    </ol>
  );
}

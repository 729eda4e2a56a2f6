import { Link } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { useState } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { seriesLook } from '../../../charts/prepare/curves.ts';
import { plural } from '../../../kit/format.ts';

const AT_ONCE = 12;

/** The compared runs, each with the line that it has in every chart. */
export function RunChips(props: { readonly runs: readonly Run[]; readonly onRemove: (id: string) => void }) {
  const { runs, onRemove } = props;
  const [all, setAll] = useState(false);
  const shown = all ? runs : runs.slice(0, AT_ONCE);
  return (
    <ul className="flex max-h-[168px] flex-wrap gap-2 overflow-y-auto" aria-label="Compared runs">
      {shown.map((run, index) => (
        <li
          key={run.id}
          className="inline-flex h-7 max-w-64 items-center gap-2 rounded-control border border-line bg-surface pr-1 pl-2 pointer-coarse:h-9"
        >
          <SeriesSwatch index={index} />
          <Link
            to="/runs/$runId"
            params={{ runId: run.id }}
            data-tip={`${run.name}\n${run.id}`}
            className="min-w-0 truncate hover:text-accent"
          >
            {run.name}
          </Link>
          {runs.length > 1 && (
            <button
              type="button"
              aria-label={`Leave out ${run.name}`}
              onClick={() => onRemove(run.id)}
              className="inline-flex size-5 shrink-0 items-center justify-center text-faint hover:text-text"
            >
              <X size={12} aria-hidden />
            </button>
          )}
        </li>
      ))}
      {runs.length > AT_ONCE && (
        <li className="inline-flex items-center">
          <button type="button" onClick={() => setAll(!all)} className="text-accent">
            {all ? 'Show fewer' : `and ${plural(runs.length - AT_ONCE, 'more run', 'more runs')}`}
          </button>
        </li>
      )}
    </ul>
  );
}

/** A short stroke in the look of a series. */
export function SeriesSwatch(props: { readonly index: number }) {
  const look = seriesLook(props.index);
  return (
    <svg width="14" height="8" className="shrink-0" aria-hidden="true">
      <line
        x1="0"
        x2="14"
        y1="4"
        y2="4"
        stroke={`var(${look.ink})`}
        strokeWidth="2.5"
        strokeDasharray={look.dash.join(' ') || undefined}
      />
    </svg>
  );
}

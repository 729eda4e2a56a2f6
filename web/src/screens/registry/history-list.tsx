import { Link } from '@tanstack/react-router';
import type { HistoryEntry } from '../../../../src/lifecycle/registry/contract/history.ts';
import { Ago } from '../../kit/time.tsx';
import { actorName, sentence } from '../../kit/turn-text.ts';
import { historySentence } from './history-text.ts';

const NO_REASON = 'no reason given';

/** Changes of a model or version, newest first. */
export function HistoryList(props: { readonly model: string; readonly entries: readonly HistoryEntry[] }) {
  return (
    <ol className="flex flex-col gap-2">
      {props.entries.map((entry) => (
        <li key={entry.id}>
          <span className="flex flex-wrap items-baseline gap-x-2">
            {entry.version !== null && (
              <Link
                to="/models/$model/versions/$version"
                params={{ model: props.model, version: String(entry.version) }}
                className="font-strong hover:text-accent"
              >
                v{entry.version}
              </Link>
            )}
            <span className="min-w-0 break-words">{historySentence(entry)}</span>
            <span className="ml-auto whitespace-nowrap text-label text-muted">
              {actorName(entry.by)}, <Ago at={entry.at} />
            </span>
          </span>
          {entry.reason !== NO_REASON && entry.reason !== '' && (
            <span className="block break-words text-muted">{sentence(entry.reason)}</span>
          )}
        </li>
      ))}
    </ol>
  );
}

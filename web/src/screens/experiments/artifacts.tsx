import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Download, File, Folder } from 'lucide-react';
import { apiUrl } from '../../api/client.ts';
import { artifactsQuery } from '../../api/queries.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatBytes } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';

const route = getRouteApi('/runs/$runId');

/** The run's files, one folder at a time; which one is open is in the URL. */
export function Artifacts(props: { readonly runId: string }) {
  const { path = '' } = route.useSearch();
  const artifacts = useQuery(artifactsQuery(props.runId, path));
  const parts = path.split('/').filter(Boolean);
  return (
    <QueryCard
      title="Artifacts"
      note={
        parts.length > 0 && (
          <span className="flex flex-wrap items-center gap-1">
            <Link to="/runs/$runId" params={{ runId: props.runId }} className="text-accent">
              all
            </Link>
            {parts.map((part, index) => (
              <span key={part}>
                /{' '}
                <Link
                  to="/runs/$runId"
                  params={{ runId: props.runId }}
                  search={{ path: parts.slice(0, index + 1).join('/') }}
                  className="text-accent"
                >
                  {part}
                </Link>
              </span>
            ))}
          </span>
        )
      }
      query={artifacts}
      flush
      className="overflow-hidden"
      isEmpty={(page) => page.items.length === 0}
      empty={
        <div className="px-4 pb-3">
          <EmptyLine>{path === '' ? 'This run logged no file.' : 'This folder is empty.'}</EmptyLine>
        </div>
      }
    >
      {(page) => (
        <ul>
          {page.items.map((entry) => {
            const name = entry.path.split('/').at(-1) ?? entry.path;
            return (
              <li key={entry.path} className="flex items-center gap-3 border-line border-t px-4 py-1.5">
                {entry.isDirectory ? (
                  <Folder size={14} aria-hidden className="text-muted" />
                ) : (
                  <File size={14} aria-hidden className="text-faint" />
                )}
                {entry.isDirectory ? (
                  <Link
                    to="/runs/$runId"
                    params={{ runId: props.runId }}
                    search={{ path: entry.path }}
                    className="hover:text-accent"
                  >
                    {name}
                  </Link>
                ) : (
                  <span className="truncate">{name}</span>
                )}
                <span className="ml-auto text-muted">
                  {entry.isDirectory ? '' : formatBytes(entry.sizeBytes)}
                </span>
                {!entry.isDirectory && (
                  <a
                    href={apiUrl(`/runs/${encodeURIComponent(props.runId)}/artifact-content`, {
                      path: entry.path,
                    })}
                    download={name}
                    aria-label={`Download ${name}`}
                    className="text-muted hover:text-text"
                  >
                    <Download size={14} aria-hidden />
                  </a>
                )}
              </li>
            );
          })}
        </ul>
      )}
    </QueryCard>
  );
}

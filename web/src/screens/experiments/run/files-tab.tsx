import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ChevronDown, ChevronRight, File, Folder, FolderOpen } from 'lucide-react';
import { useState } from 'react';
import type { ArtifactEntry, RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import { ownerFilesQuery } from '../../../api/tracking.ts';
import { byName } from '../../../kit/by-name.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { formatBytes, plural } from '../../../kit/format.ts';
import { Card, ProblemNote, Skeleton } from '../../../kit/panel.tsx';
import { FilePreview } from './file-preview.tsx';
import { type FileOwner, fileName, folderOf, ownerPath } from './files.ts';

const route = getRouteApi('/runs/$runId');
const SHOWN = 400;

/** The run's files and those of its models as a tree, with a preview of the one that is chosen. */
export function FilesTab(props: { readonly run: RunDetail }) {
  const { run } = props;
  const { path, owner } = route.useSearch();
  const chosen: FileOwner = { runId: run.id, modelId: owner };
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(220px,320px)_minmax(0,1fr)]">
      <Card title="Files" flush className="overflow-hidden">
        <nav aria-label="Files" className="max-h-[70vh] overflow-auto pb-2">
          <Branch owner={{ runId: run.id }} path="" depth={0} />
          {run.models.map((model) => (
            <Root
              key={model.id}
              owner={{ runId: run.id, modelId: model.id }}
              title={`model ${model.name}`}
              open={owner === model.id}
            />
          ))}
        </nav>
      </Card>
      {path === undefined ? (
        <Card>
          <EmptyLine>Choose a file to look into it.</EmptyLine>
        </Card>
      ) : (
        <div className="max-lg:order-first min-w-0">
          <Chosen key={`${owner} ${path}`} owner={chosen} path={path} />
        </div>
      )}
    </div>
  );
}

const ROW =
  'flex min-h-7 w-full min-w-0 items-center gap-1.5 pr-3 text-left hover:bg-sunken pointer-coarse:min-h-9';
const indent = (depth: number): { readonly paddingLeft: number } => ({ paddingLeft: 12 + depth * 16 });

function Root(props: { readonly owner: FileOwner; readonly title: string; readonly open: boolean }) {
  const [open, setOpen] = useState(props.open);
  return (
    <>
      <FolderRow name={props.title} open={open} depth={0} onToggle={() => setOpen(!open)} />
      {open && <Branch owner={props.owner} path="" depth={1} />}
    </>
  );
}

/** Entries of one folder, folders first. */
function Branch(props: { readonly owner: FileOwner; readonly path: string; readonly depth: number }) {
  const { owner, path, depth } = props;
  const files = useQuery(ownerFilesQuery(ownerPath(owner), path));
  const [query, setQuery] = useState('');
  if (files.data === undefined)
    return (
      <div className="px-4" style={indent(depth)}>
        {files.isError ? (
          <ProblemNote error={files.error} onRetry={() => void files.refetch()} />
        ) : (
          <Skeleton rows={2} />
        )}
      </div>
    );
  const entries = files.data.items.toSorted(
    (a, b) => Number(b.isDirectory) - Number(a.isDirectory) || byName(a.path, b.path),
  );
  const found = entries.filter((entry) => fileName(entry.path).toLowerCase().includes(query.toLowerCase()));
  if (entries.length === 0)
    return (
      <p className="px-4 py-1 text-muted" style={indent(depth)}>
        {depth === 0 ? 'This run logged no file.' : 'empty'}
      </p>
    );
  return (
    <ul>
      {entries.length > 40 && (
        <li className="py-1 pr-3" style={indent(depth)}>
          <input
            type="text"
            aria-label={`Search ${path || 'files'}`}
            placeholder={`search ${plural(entries.length, 'file')}`}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            className="h-7 w-full rounded-control border border-line-strong bg-surface px-2 placeholder:text-faint"
          />
        </li>
      )}
      {found.slice(0, SHOWN).map((entry) => (
        <li key={entry.path}>
          <Entry owner={owner} entry={entry} depth={depth} />
        </li>
      ))}
      {found.length > SHOWN && (
        <li className="py-1 text-label text-muted" style={indent(depth)}>
          {SHOWN} of {found.length}; search for others
        </li>
      )}
    </ul>
  );
}

function Entry(props: { readonly owner: FileOwner; readonly entry: ArtifactEntry; readonly depth: number }) {
  const { owner, entry, depth } = props;
  const search = route.useSearch();
  const isInside = search.owner === owner.modelId && search.path?.startsWith(`${entry.path}/`) === true;
  const [open, setOpen] = useState(isInside);
  const name = fileName(entry.path);
  if (entry.isDirectory)
    return (
      <>
        <FolderRow name={name} open={open} depth={depth} onToggle={() => setOpen(!open)} />
        {open && <Branch owner={owner} path={entry.path} depth={depth + 1} />}
      </>
    );
  const isChosen = search.path === entry.path && search.owner === owner.modelId;
  return (
    <Link
      to="/runs/$runId"
      params={{ runId: owner.runId }}
      search={{ tab: 'files', path: entry.path, ...(owner.modelId ? { owner: owner.modelId } : {}) }}
      replace
      preload={false}
      resetScroll={false}
      aria-current={isChosen ? 'true' : undefined}
      style={indent(depth)}
      className={`${ROW} ${isChosen ? 'bg-accent-quiet' : ''}`}
    >
      <span className="w-3.5 shrink-0" />
      <File size={14} aria-hidden className="shrink-0 text-faint" />
      <span className="min-w-0 truncate" data-tip={name.length > 24 ? name : undefined}>
        {name}
      </span>
      <span className="ml-auto shrink-0 pl-2 text-label text-muted">{formatBytes(entry.sizeBytes)}</span>
    </Link>
  );
}

function FolderRow(props: {
  readonly name: string;
  readonly open: boolean;
  readonly depth: number;
  readonly onToggle: () => void;
}) {
  const { name, open, depth, onToggle } = props;
  return (
    <button type="button" aria-expanded={open} onClick={onToggle} style={indent(depth)} className={ROW}>
      {open ? (
        <ChevronDown size={14} aria-hidden className="shrink-0 text-faint" />
      ) : (
        <ChevronRight size={14} aria-hidden className="shrink-0 text-faint" />
      )}
      {open ? (
        <FolderOpen size={14} aria-hidden className="shrink-0 text-muted" />
      ) : (
        <Folder size={14} aria-hidden className="shrink-0 text-muted" />
      )}
      <span className="min-w-0 truncate" data-tip={name.length > 26 ? name : undefined}>
        {name}
      </span>
    </button>
  );
}

/** The chosen file; what it is comes from the list of its folder. */
function Chosen(props: { readonly owner: FileOwner; readonly path: string }) {
  const { owner, path } = props;
  const folder = useQuery(ownerFilesQuery(ownerPath(owner), folderOf(path)));
  const entry = folder.data?.items.find((each) => each.path === path && !each.isDirectory);
  if (entry) return <FilePreview owner={owner} entry={entry} />;
  return (
    <Card title={fileName(path)}>
      {folder.isError ? (
        <ProblemNote error={folder.error} />
      ) : folder.data ? (
        <EmptyLine>There is no such file in this run.</EmptyLine>
      ) : (
        <Skeleton />
      )}
    </Card>
  );
}

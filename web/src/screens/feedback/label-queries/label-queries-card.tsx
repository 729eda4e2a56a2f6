import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { LabelQuery, LabelQueryRun } from '../../../../../src/lifecycle/feedback/contract.ts';
import { post, send } from '../../../api/client.ts';
import { labelQueriesQuery } from '../../../api/queries.ts';
import { Button } from '../../../kit/button.tsx';
import { useNow } from '../../../kit/clock.ts';
import { ConfirmDialog } from '../../../kit/confirm.tsx';
import { EmptyLine } from '../../../kit/empty.tsx';
import { formatCount, plural } from '../../../kit/format.ts';
import { ProblemNote, QueryCard } from '../../../kit/panel.tsx';
import { StateLabel } from '../../../kit/state-mark.tsx';
import { Ago } from '../../../kit/time.tsx';
import { RefusedRows, useNamed } from '../refused-rows.tsx';
import { DeclareQuery } from './declare-query.tsx';

/** No event tells of a run that brought nothing, or failed. */
const AGAIN_MS = 10_000;

/** The queries against tables of other databases that bring labels: when each ran, what came of it, what it does next. */
export function LabelQueriesCard(props: { readonly endpoint: string }) {
  const { endpoint } = props;
  const queries = useQuery({ ...labelQueriesQuery(), refetchInterval: AGAIN_MS });
  const [draft, setDraft] = useState<LabelQuery | 'new' | null>(null);
  const own = (items: readonly LabelQuery[]) => items.filter((query) => query.endpoint === endpoint);
  return (
    <QueryCard
      title="Label queries"
      note="labels from a table of a database"
      query={queries}
      className="lg:col-span-2"
      actions={
        <Button icon={<Plus size={14} aria-hidden />} onClick={() => setDraft('new')}>
          New query
        </Button>
      }
    >
      {({ items }) => (
        <>
          {own(items).length === 0 && (
            <EmptyLine>
              None yet. A SELECT against Postgres or SQLite brings labels when it is run or on a schedule, and
              goes on from where it was.
            </EmptyLine>
          )}
          <ul className="flex flex-col">
            {own(items).map((query) => (
              <QueryRow key={query.name} query={query} onChange={() => setDraft(query)} />
            ))}
          </ul>
          {draft !== null && (
            <DeclareQuery
              endpoint={endpoint}
              changes={draft === 'new' ? null : draft}
              queries={items}
              onClose={() => setDraft(null)}
            />
          )}
        </>
      )}
    </QueryCard>
  );
}

function QueryRow(props: { readonly query: LabelQuery; readonly onChange: () => void }) {
  const { query } = props;
  const { name, lastRun } = query;
  const queries = useQueryClient();
  const run = useMutation({
    mutationFn: () => post<LabelQueryRun>(`/label-queries/${encodeURIComponent(name)}/run`),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['feedback'] }),
  });
  return (
    <li
      {...useNamed(`query-${name}`)}
      className="flex flex-col gap-1 border-line border-b py-2.5 last:border-b-0 target:bg-accent-quiet"
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="wrap-anywhere min-w-0 font-strong">{name}</span>
        <span role="status" className="text-muted">
          {run.isPending ? <StateLabel state="running">runs</StateLabel> : <LastRun run={lastRun} />}
        </span>
        <NextRun query={query} />
        <span className="ml-auto flex flex-wrap gap-2">
          <Button disabled={run.isPending} onClick={() => run.mutate()}>
            Run now
          </Button>
          <Button onClick={props.onChange}>Change</Button>
          <RemoveQuery name={name} />
        </span>
      </div>
      {lastRun?.error != null && <p className="wrap-anywhere text-bad">{lastRun.error}</p>}
      {run.error !== null && <ProblemNote error={run.error} />}
      {lastRun && lastRun.errors.length > 0 && (
        <RefusedRows errors={lastRun.errors} refused={lastRun.refused} />
      )}
      <details className="text-muted">
        <summary className="block py-1 text-label">
          <span className="wrap-anywhere">{query.url}</span>
          {query.watermark !== null && (
            <>
              , goes on from {query.watermarkColumn} <bdi>{String(query.watermark)}</bdi>
            </>
          )}
          : <span className="text-accent">show the SQL</span>
        </summary>
        <pre className="wrap-anywhere whitespace-pre-wrap pt-1 font-mono text-label">{query.sql}</pre>
      </details>
    </li>
  );
}

function LastRun(props: { readonly run: LabelQueryRun | null }) {
  const { run } = props;
  if (run === null) return <StateLabel state="none">not run yet</StateLabel>;
  return (
    <span className="inline-flex flex-wrap items-center gap-x-1.5">
      <StateLabel state={run.error !== null ? 'bad' : run.refused > 0 ? 'watch' : 'good'}>
        {run.error === null ? 'ran' : 'failed'} <Ago at={run.startedAt} />
      </StateLabel>
      {(run.error === null || run.rows > 0) && (
        <span>
          {plural(run.rows, 'row')} read, {formatCount(run.accepted)} taken, {formatCount(run.refused)}{' '}
          refused
        </span>
      )}
    </span>
  );
}

function NextRun(props: { readonly query: LabelQuery }) {
  const { cron, nextAt } = props.query;
  const now = useNow();
  if (cron === null) return <span className="text-label text-muted">runs when told to</span>;
  return (
    <span className="text-label text-muted" data-tip={`${cron} (UTC)`}>
      {nextAt !== null && Date.parse(nextAt) > now ? (
        <>
          next <Ago at={nextAt} />
        </>
      ) : (
        'due now'
      )}
    </span>
  );
}

function RemoveQuery(props: { readonly name: string }) {
  const { name } = props;
  const [open, setOpen] = useState(false);
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => send('DELETE', `/label-queries/${encodeURIComponent(name)}`),
    onSuccess: () => {
      setOpen(false);
      void queries.invalidateQueries({ queryKey: ['feedback'] });
    },
  });
  return (
    <>
      <Button look="danger" onClick={() => setOpen(true)}>
        Remove
      </Button>
      <ConfirmDialog
        open={open}
        title={`Remove the query ${name}`}
        verb="Remove"
        look="danger"
        busy={remove.isPending}
        error={remove.error}
        onClose={() => {
          setOpen(false);
          remove.reset();
        }}
        onConfirm={() => remove.mutate()}
      >
        <p>It runs no more, and its place is forgotten. The labels that it brought stay.</p>
      </ConfirmDialog>
    </>
  );
}

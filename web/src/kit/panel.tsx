import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useRef } from 'react';
import { asProblem } from '../api/problem.ts';
import { Button } from './button.tsx';
import { useNow } from './clock.ts';
import { formatRelative } from './format.ts';
import { PageHead } from './page.tsx';
import { placed } from './placed.ts';
import { StateMark } from './state-mark.tsx';

/** A card: hairline, title row, body. Never inside another card. */
export function Card(props: {
  readonly title?: ReactNode;
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  readonly flush?: boolean;
  readonly className?: string;
}) {
  const { title, note, actions, children, flush = false, className = '' } = props;
  return (
    <section className={`min-w-0 rounded-card border border-line bg-surface ${className}`}>
      {(title || actions) && (
        <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
          <h2 className="font-strong text-lead">{title}</h2>
          {note && <div className="min-w-0 text-label text-muted">{note}</div>}
          {actions && <div className="ml-auto flex min-w-0 max-w-full items-center gap-2">{actions}</div>}
        </header>
      )}
      <div className={flush ? '' : title || actions ? 'px-4 pb-4' : 'p-4'}>{children}</div>
    </section>
  );
}

/** Grey bars in the shape of what will come; shown only if loading takes longer than a blink. */
export function Skeleton(props: { readonly rows?: number }) {
  return (
    <div className="late flex flex-col gap-3 py-1" role="status" aria-label="Loading">
      {placed(Array.from({ length: props.rows ?? 3 })).map(({ place }) => (
        <div
          key={place}
          className={`h-4 rounded-control bg-line opacity-60 ${['w-full', 'w-4/5', 'w-2/3'][place % 3]}`}
        />
      ))}
    </div>
  );
}

/** What happened, to what, what to do next. */
export function ProblemNote(props: { readonly error: unknown; readonly onRetry?: () => void }) {
  const problem = asProblem(props.error);
  // A single wrong field stands in the detail already.
  const untold = problem.issues.filter((issue) => !problem.detail.includes(issue.problem));
  return (
    <div className="flex items-start gap-3 py-1" role="alert">
      <span className="pt-1">
        <StateMark state="bad" />
      </span>
      <div className="flex min-w-0 flex-col gap-1">
        <p className="font-strong">{problem.title}</p>
        {problem.detail && <p className="break-words text-muted">{problem.detail}</p>}
        {untold.map((issue) => (
          <p key={issue.field + issue.problem} className="break-words text-muted">
            {issue.field}: {issue.problem}
          </p>
        ))}
        {problem.next && <p className="break-words text-muted">{problem.next}</p>}
        {props.onRetry && (
          <div className="pt-1">
            <Button onClick={props.onRetry}>Try again</Button>
          </div>
        )}
      </div>
    </div>
  );
}

/** Says that what is shown is old, and how old. */
export function StaleNote(props: { readonly sinceMs: number }) {
  const now = useNow();
  return (
    <span className="inline-flex items-center gap-1.5 text-label text-muted" role="status">
      <StateMark state="watch" size={8} label="Stale" />
      as of {formatRelative(props.sinceMs, now)}
    </span>
  );
}

/**
 * The four states of a panel: loading, empty, error and stale. Data that could not be refreshed stays on the
 * screen under a note; only a panel that never had data shows the error in its place.
 */
export function QueryView<T>(props: {
  readonly query: UseQueryResult<T>;
  readonly rows?: number;
  readonly isEmpty?: (data: T) => boolean;
  readonly empty?: ReactNode;
  /** What stands here when the server knows no such thing; without it that is an error like others. */
  readonly missing?: ReactNode;
  /** Heads a screen while its own head is not known yet. */
  readonly title?: string;
  readonly children: (data: T) => ReactNode;
}) {
  const { query, rows, isEmpty, empty, missing, title, children } = props;
  const retry = (): void => void query.refetch();
  const error = useLastError(query);
  if (query.data === undefined) {
    if (missing && error !== null && asProblem(error).status === 404) return <>{missing}</>;
    return (
      <>
        {title !== undefined && <PageHead title={title} />}
        {error !== null ? (
          <ProblemNote error={error} onRetry={retry} />
        ) : (
          <Skeleton {...(rows === undefined ? {} : { rows })} />
        )}
      </>
    );
  }
  if (isEmpty?.(query.data)) return <>{empty}</>;
  return (
    <>
      {query.isRefetchError && (
        <div className="pb-2">
          <StaleNote sinceMs={query.dataUpdatedAt} />
        </div>
      )}
      {children(query.data)}
    </>
  );
}

/** Why there is no answer; it stays while the same is asked for again, as happens by itself while the server is away. */
function useLastError(query: Pick<UseQueryResult, 'isError' | 'error' | 'errorUpdatedAt'>): unknown {
  const last = useRef<{ readonly error: unknown; readonly at: number }>(null);
  if (query.isError) last.current = { error: query.error, at: query.errorUpdatedAt };
  // Of another thing that is asked for in its place nothing has failed yet.
  return last.current?.at === query.errorUpdatedAt ? last.current.error : null;
}

/** A card around a query. */
export function QueryCard<T>(
  props: Omit<Parameters<typeof QueryView<T>>[0], 'title'> & Omit<Parameters<typeof Card>[0], 'children'>,
) {
  const { query, rows, isEmpty, empty, children, ...card } = props;
  return (
    <Card {...card} flush={card.flush === true && query.data !== undefined}>
      <QueryView
        query={query}
        {...(rows === undefined ? {} : { rows })}
        {...(isEmpty ? { isEmpty } : {})}
        empty={empty}
      >
        {children}
      </QueryView>
    </Card>
  );
}

import type { ReactNode } from 'react';

/** Head of a screen: what it is, what is true of it now in one sentence, what can be done. */
export function PageHead(props: {
  readonly title: ReactNode;
  readonly mark?: ReactNode;
  readonly sentence?: ReactNode;
  readonly actions?: ReactNode;
}) {
  return (
    <header className="flex flex-wrap items-start gap-x-4 gap-y-3">
      {props.mark && <div className="pt-0.5">{props.mark}</div>}
      <div className="flex min-w-0 flex-1 basis-72 flex-col gap-0.5">
        <h1 className="text-balance font-strong text-page">{props.title}</h1>
        {props.sentence && <div className="max-w-3xl text-lead text-muted">{props.sentence}</div>}
      </div>
      {props.actions && (
        <div className="flex max-w-full flex-wrap items-center gap-2 max-sm:has-[[data-filters]]:w-full print:hidden">
          {props.actions}
        </div>
      )}
    </header>
  );
}

/** What a list is narrowed by: in a row, on a phone in two columns below the first, which is to be its search. */
export function Filters(props: { readonly children: ReactNode }) {
  return (
    <div
      data-filters
      className="grid w-full grid-cols-2 gap-2 max-sm:*:w-full max-sm:*:max-w-none max-sm:*:first:col-span-2 sm:flex sm:w-auto sm:flex-wrap sm:items-center"
    >
      {props.children}
    </div>
  );
}

/** A screen's frame: one column of sections with the same rhythm everywhere. */
export function Page(props: { readonly children: ReactNode; readonly full?: boolean }) {
  return (
    <div
      className={`fade-in mx-auto flex w-full flex-col gap-4 px-4 py-5 sm:px-6 ${props.full ? '' : 'max-w-[1440px]'}`}
    >
      {props.children}
    </div>
  );
}

import type { ReactNode } from 'react';
import { Snippet } from './snippet.tsx';

/** An empty screen teaches: what would be here, and what to type, with this server's own address. */
export function Empty(props: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly type?: string;
  readonly art?: ReactNode;
  /** Set when the screen has no other heading. */
  readonly main?: boolean;
}) {
  return (
    <div className="mx-auto flex w-full max-w-xl flex-col gap-3 px-2 py-10">
      {props.art}
      {props.main ? (
        <h1 className="font-strong text-page">{props.title}</h1>
      ) : (
        <h2 className="font-strong text-section">{props.title}</h2>
      )}
      {props.children && <div className="text-muted">{props.children}</div>}
      {props.type && <Snippet text={props.type} label="Copy these lines" />}
    </div>
  );
}

/** One quiet line for a panel that has nothing to show yet. */
export function EmptyLine(props: { readonly children: ReactNode }) {
  return <p className="py-2 text-muted">{props.children}</p>;
}

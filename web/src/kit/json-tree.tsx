import { useState } from 'react';
import { Scroll } from './scroll.tsx';

const SHOWN = 100;
const OPEN_UP_TO = 12;

/** A JSON value as a tree whose branches fold. Long lists are shown a hundred at a time. */
export function JsonTree(props: {
  readonly value: unknown;
  readonly label: string;
  readonly className?: string;
}) {
  return (
    <Scroll label={props.label} className={`font-mono text-label leading-5 ${props.className ?? 'max-h-96'}`}>
      <Node name={null} value={props.value} depth={0} />
    </Scroll>
  );
}

function Node(props: { readonly name: string | null; readonly value: unknown; readonly depth: number }) {
  const { name, value, depth } = props;
  const label = name === null ? null : <span className="text-muted">{name}: </span>;
  if (typeof value !== 'object' || value === null)
    return (
      <div className="break-words py-px pl-4">
        {label}
        <Leaf value={value} />
      </div>
    );
  return <Branch label={label} value={value} depth={depth} />;
}

function Branch(props: { readonly label: React.ReactNode; readonly value: object; readonly depth: number }) {
  const { label, value, depth } = props;
  const entries = Object.entries(value);
  const isList = Array.isArray(value);
  const [open, setOpen] = useState(depth < 1 || (depth < 3 && entries.length <= OPEN_UP_TO));
  const [shown, setShown] = useState(SHOWN);
  const [from, to] = isList ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0)
    return (
      <div className="py-px pl-4">
        {label}
        {from + to}
      </div>
    );
  return (
    <div>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex w-full items-baseline gap-1 py-px text-left hover:bg-sunken"
      >
        <span aria-hidden className="w-3 shrink-0 text-center text-faint">
          {open ? '▾' : '▸'}
        </span>
        <span className="min-w-0 break-words">
          {label}
          {from}
          {!open && (
            <span className="text-muted">
              {' '}
              {entries.length} {isList ? 'items' : 'keys'} {to}
            </span>
          )}
        </span>
      </button>
      {open && (
        <>
          <div className="ml-1.5 border-line border-l pl-2">
            {entries.slice(0, shown).map(([key, each]) => (
              <Node key={key} name={key} value={each} depth={depth + 1} />
            ))}
            {entries.length > shown && (
              <button
                type="button"
                onClick={() => setShown(shown + 10 * SHOWN)}
                className="py-px pl-4 font-sans text-accent"
              >
                {entries.length - shown} more
              </button>
            )}
          </div>
          <div className="pl-4">{to}</div>
        </>
      )}
    </div>
  );
}

function Leaf(props: { readonly value: unknown }) {
  const { value } = props;
  if (typeof value === 'string')
    return (
      <span className="whitespace-pre-wrap break-words">
        &quot;{value.length > 5000 ? `${value.slice(0, 5000)}…` : value}&quot;
      </span>
    );
  return <span className="text-accent">{String(value)}</span>;
}

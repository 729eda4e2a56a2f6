import { ChevronsUpDown } from 'lucide-react';
import { type KeyboardEvent, type ToggleEvent, useId, useRef, useState } from 'react';
import { fits, type Option } from './chooser-options.ts';
import { Select, SelectField } from './fields.tsx';
import { formatCount } from './format.ts';

/** So many names are seen at one glance: the platform's own list is better for them. */
const NATIVE_UP_TO = 15;
/** More in one list than anybody reads; the rest is found by typing. */
const SHOWN = 200;

type ChooserProps<T extends string> = {
  readonly label: string;
  readonly value: T | '';
  readonly options: readonly Option<T>[];
  /** What choosing none is called; without it one is always chosen. */
  readonly all?: string;
  readonly onChange: (value: T | undefined) => void;
};

/**
 * One of any number of names, as of endpoints: the platform's own select while they are few, from then on a list that
 * is searched by typing. A value that is none of the options, as from an address, is shown as it is.
 */
export function Chooser<T extends string>(props: ChooserProps<T>) {
  return props.options.length <= NATIVE_UP_TO ? <Select {...props} /> : <Searched {...props} />;
}

/** A chooser with its label above, as wide as its place. */
export function ChooserField<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly Option<T>[];
  readonly onChange: (value: T) => void;
}) {
  const { onChange, ...rest } = props;
  if (props.options.length <= NATIVE_UP_TO) return <SelectField {...props} />;
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <span aria-hidden className="text-label text-muted">
        {props.label}
      </span>
      <Searched {...rest} wide onChange={(value) => value !== undefined && onChange(value)} />
    </div>
  );
}

function Searched<T extends string>(props: ChooserProps<T> & { readonly wide?: boolean }) {
  const { label, value, options, all, onChange, wide = false } = props;
  const [open, setOpen] = useState(false);
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const found = open ? options.filter(([, text]) => fits(text, query)) : [];
  const shown: readonly Option<T | ''>[] = [
    ...(all !== undefined && query === '' ? ([['', all]] as const) : []),
    ...found.slice(0, SHOWN),
  ];
  const chosenText = options.find(([each]) => each === value)?.[1] ?? (value || (all ?? ''));

  /** The list hangs below its button, or above it where there is more room, and is never beyond the window. */
  const onToggle = (event: ToggleEvent): void => {
    const isOpen = event.newState === 'open';
    setOpen(isOpen);
    setQuery('');
    setActive(Math.max(0, options.findIndex(([each]) => each === value) + (all === undefined ? 0 : 1)));
    if (!isOpen || !button.current || !panel.current) return;
    const at = button.current.getBoundingClientRect();
    const width = Math.min(Math.max(at.width, 280), innerWidth - 16);
    const below = innerHeight - at.bottom - 12;
    const isBelow = below >= 240 || below >= at.top;
    Object.assign(panel.current.style, {
      width: `${width}px`,
      left: `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`,
      top: isBelow ? `${at.bottom + 4}px` : 'auto',
      bottom: isBelow ? 'auto' : `${innerHeight - at.top + 4}px`,
      maxHeight: `${Math.min(360, isBelow ? below : at.top - 12)}px`,
    });
    field.current?.focus();
  };
  const take = (option: Option<T | ''> | undefined): void => {
    if (!option) return;
    panel.current?.hidePopover();
    button.current?.focus();
    if (option[0] !== value) onChange(option[0] === '' ? undefined : option[0]);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const last = shown.length - 1;
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + 8, PageUp: active - 8 };
    if (event.key in to) setActive(Math.max(0, Math.min(last, to[event.key as keyof typeof to])));
    else if (event.key === 'Enter') take(shown[active]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        popoverTarget={`${id}-list`}
        aria-haspopup="listbox"
        aria-label={`${label}: ${chosenText}`}
        className={`inline-flex h-7 min-w-0 items-center justify-between gap-2 rounded-control border border-line-strong bg-surface pr-1.5 pl-2 text-left text-body text-text pointer-coarse:h-9 ${wide ? 'w-full' : 'max-w-56'}`}
      >
        <span className="truncate">{chosenText}</span>
        <ChevronsUpDown size={13} aria-hidden className="shrink-0 text-faint" />
      </button>
      <div
        ref={panel}
        id={`${id}-list`}
        popover="auto"
        onToggle={onToggle}
        className="fixed inset-auto m-0 flex-col overflow-hidden rounded-control border border-line-strong bg-raised p-0 text-text shadow-float open:flex"
      >
        <input
          ref={field}
          type="text"
          inputMode="search"
          role="combobox"
          aria-label={`Search ${label.toLowerCase()}`}
          aria-expanded={open}
          aria-controls={`${id}-options`}
          aria-autocomplete="list"
          aria-activedescendant={shown.length > 0 ? `${id}-${active}` : undefined}
          placeholder={`${formatCount(options.length)} to choose from`}
          value={query}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
          className="-outline-offset-2 h-8 shrink-0 border-line border-b bg-transparent px-3 placeholder:text-faint pointer-coarse:h-10"
        />
        <div id={`${id}-options`} role="listbox" aria-label={label} className="min-h-0 overflow-y-auto py-1">
          {shown.map(([each, text], index) => (
            // The field keeps the focus and names the active option.
            <button
              key={each}
              ref={index === active ? intoSight : null}
              type="button"
              tabIndex={-1}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take([each, text])}
              className={`block w-full break-all px-3 py-1 text-left hover:bg-sunken aria-selected:bg-accent-quiet pointer-coarse:py-2 ${each === value ? 'font-strong' : ''}`}
            >
              {text}
            </button>
          ))}
        </div>
        {(found.length === 0 || found.length > SHOWN) && (
          <p role="status" className="shrink-0 border-line border-t px-3 py-1.5 text-label text-muted">
            {found.length === 0
              ? 'None has these letters.'
              : `${formatCount(SHOWN)} of ${formatCount(found.length)}: type to find the others.`}
          </p>
        )}
      </div>
    </>
  );
}

const intoSight = (element: HTMLElement | null): void => element?.scrollIntoView({ block: 'nearest' });

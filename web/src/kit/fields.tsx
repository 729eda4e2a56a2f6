import { Search, X } from 'lucide-react';
import { type ReactNode, type Ref, useCallback, useEffect, useRef, useState } from 'react';

const FIELD =
  'h-7 rounded-control border border-line-strong bg-surface text-body text-text pointer-coarse:h-9 placeholder:text-faint';

/**
 * A native select: the platform's own list, keyboard and touch included. `''` stands for all. A value that is none of
 * the options, as from an address, is shown as it is: never another in its place.
 */
export function Select<T extends string>(props: {
  readonly label: string;
  readonly value: T | '';
  readonly options: readonly (readonly [T, string])[];
  readonly all?: string;
  readonly onChange: (value: T | undefined) => void;
}) {
  const isListed = props.value === '' || props.options.some(([value]) => value === props.value);
  return (
    <select
      aria-label={props.label}
      value={props.value}
      onChange={(event) => props.onChange((event.target.value || undefined) as T | undefined)}
      className={`${FIELD} max-w-56 pr-1 pl-2`}
    >
      {props.all !== undefined && <option value="">{props.all}</option>}
      {!isListed && <option value={props.value}>{props.value}</option>}
      {props.options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

/** A text filter that tells its value after typing has paused (250 ms) or on Enter. */
export function SearchField(props: {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly onChange: (value: string) => void;
  readonly ref?: Ref<HTMLInputElement>;
  readonly className?: string;
  /** A value to narrow by rather than a part of a text to look for: without the glass. */
  readonly exact?: boolean;
}) {
  const { value, onChange, className = 'w-64', exact = false } = props;
  const [draft, setDraft] = useState(value);
  const told = useRef(value);
  useEffect(() => {
    // What comes back as it was told leaves alone what was typed since.
    if (value !== told.current) setDraft(value);
    told.current = value;
  }, [value]);
  const tell = useCallback(
    (text: string): void => {
      told.current = text;
      onChange(text);
    },
    [onChange],
  );
  useEffect(() => {
    if (draft === value) return;
    const timer = setTimeout(() => tell(draft), 250);
    return () => clearTimeout(timer);
  }, [draft, value, tell]);
  return (
    <span className={`relative inline-flex max-w-full items-center ${className}`}>
      {!exact && <Search size={14} aria-hidden className="pointer-events-none absolute left-2 text-faint" />}
      <input
        ref={props.ref}
        type="text"
        inputMode="search"
        aria-label={props.label}
        placeholder={props.placeholder}
        value={draft}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') tell(draft);
          if (event.key === 'Escape') event.currentTarget.blur();
        }}
        className={`${FIELD} w-full pr-7 ${exact ? 'pl-2' : 'pl-7'}`}
      />
      {draft !== '' && (
        <button
          type="button"
          aria-label="Clear"
          onClick={() => {
            setDraft('');
            tell('');
          }}
          className="absolute right-1 inline-flex size-6 items-center justify-center text-faint hover:text-text"
        >
          <X size={13} aria-hidden />
        </button>
      )}
    </span>
  );
}

/** A row of choices of which one holds; for two to five short words. They go on in a second row where one is too narrow. */
export function Choice<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [T, ReactNode])[];
  readonly onChange: (value: T) => void;
}) {
  return (
    <fieldset className="inline-flex min-w-0 max-w-full flex-wrap self-start overflow-hidden whitespace-nowrap rounded-control border border-line-strong">
      <legend className="sr-only">{props.label}</legend>
      {props.options.map(([value, text]) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.value}
          onClick={() => props.onChange(value)}
          className="-outline-offset-2 -mb-px h-[27px] grow border-line-strong border-r border-b px-2.5 text-muted transition-colors last:border-r-0 hover:text-text aria-pressed:bg-accent-quiet aria-pressed:text-text pointer-coarse:h-9"
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}

/** Lines of text with their label above. */
export function AreaField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder: string;
  readonly rows: number;
  /** What is wrong with the value. */
  readonly problem?: string | undefined;
  readonly mono?: boolean;
}) {
  return (
    <label className="flex min-w-0 flex-col gap-1">
      <span className="text-label text-muted">{props.label}</span>
      <textarea
        value={props.value}
        rows={props.rows}
        placeholder={props.placeholder}
        spellCheck={!props.mono}
        aria-invalid={props.problem !== undefined}
        onChange={(event) => props.onChange(event.target.value)}
        className={`rounded-control border border-line-strong bg-surface px-2 py-1.5 text-text placeholder:text-faint aria-invalid:border-bad ${props.mono ? 'font-mono text-label' : ''}`}
      />
      <FieldProblem text={props.problem} />
    </label>
  );
}

/** What is wrong with the value of the field above. */
function FieldProblem(props: { readonly text: string | undefined }) {
  if (props.text === undefined) return null;
  return (
    <span role="alert" className="wrap-anywhere text-bad text-label">
      {props.text}
    </span>
  );
}

/** A few lines of free text, for the reason of an act. */
export function ReasonField(props: {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder: string;
  /** What is wrong with the value. */
  readonly problem?: string | undefined;
}) {
  return <AreaField label="Why (kept in the audit trail)" rows={2} {...props} />;
}

/** One line of text with its label above; a unit stands in the field. */
export function TextField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly unit?: string;
  /** What is wrong with the value. */
  readonly problem?: string | undefined;
}) {
  const { unit, problem } = props;
  return (
    <label className="flex min-w-0 flex-col gap-1">
      <span className="text-label text-muted">{props.label}</span>
      <span className="relative flex">
        <input
          type="text"
          value={props.value}
          placeholder={props.placeholder}
          spellCheck={false}
          autoComplete="off"
          aria-invalid={problem !== undefined}
          onChange={(event) => props.onChange(event.target.value)}
          className={`${FIELD} w-full min-w-0 pl-2 aria-invalid:border-bad ${unit ? 'pr-16' : 'pr-2'}`}
        />
        {unit && (
          <span className="pointer-events-none absolute inset-y-0 right-2 flex items-center text-faint text-label">
            {unit}
          </span>
        )}
      </span>
      <FieldProblem text={problem} />
    </label>
  );
}

/** The platform's own field for a date and time, in UTC; its label inside, or `above`. */
export function DateTimeField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly above?: boolean;
  /** What is wrong with the value. */
  readonly problem?: string | undefined;
}) {
  const { label, value, onChange, above = false, problem } = props;
  return (
    <label className={`flex min-w-0 ${above ? 'flex-col gap-1' : 'items-center gap-2 max-sm:col-span-2'}`}>
      <span className="whitespace-nowrap text-label text-muted">{above ? `${label}, UTC` : label}</span>
      <input
        type="datetime-local"
        value={value}
        aria-invalid={problem !== undefined}
        onChange={(event) => onChange(event.target.value)}
        className={`${FIELD} w-full min-w-0 px-2 aria-invalid:border-bad sm:w-auto`}
      />
      <FieldProblem text={problem} />
    </label>
  );
}

/** A native select with its label above. */
export function SelectField<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [T, string])[];
  readonly onChange: (value: T) => void;
}) {
  return (
    <label className="flex min-w-0 flex-col gap-1">
      <span className="text-label text-muted">{props.label}</span>
      <select
        value={props.value}
        onChange={(event) => props.onChange(event.target.value as T)}
        className={`${FIELD} w-full min-w-0 pr-1 pl-2`}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Something that holds or does not. */
export function CheckField(props: {
  readonly label: ReactNode;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}) {
  return (
    <label className="flex items-start gap-2">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => props.onChange(event.target.checked)}
        className="mt-[3px] size-3.5 shrink-0 accent-accent"
      />
      <span>{props.label}</span>
    </label>
  );
}

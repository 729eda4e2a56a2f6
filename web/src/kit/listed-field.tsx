import { useEffect, useId, useState } from 'react';

/** A text with the browser's own list of what is known: chosen from it, or typed and ended by Enter or by leaving. */
export function ListedField(props: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly placeholder?: string;
  /** Of the field. */
  readonly className: string;
  /** Told what is being typed, before it is taken. */
  readonly onType: (text: string) => void;
  /** Takes a text; false when it is none that can be taken, and the one before stands again. */
  readonly onTake: (text: string) => boolean;
}) {
  const { label, value, options, placeholder, className, onType, onTake } = props;
  const [draft, setDraft] = useState(value);
  const list = useId();
  useEffect(() => setDraft(value), [value]);
  const take = (): void => {
    const text = draft.trim();
    if (text !== value && !onTake(text)) setDraft(value);
  };
  return (
    <label className="inline-flex min-w-0 items-center gap-2">
      <span className="shrink-0 text-label text-muted">{label}</span>
      <input
        type="text"
        list={list}
        value={draft}
        placeholder={placeholder}
        spellCheck={false}
        onChange={({ target }) => {
          setDraft(target.value);
          onType(target.value);
          if (options.includes(target.value)) onTake(target.value);
        }}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={take}
        onKeyDown={(event) => event.key === 'Enter' && take()}
        className={`h-7 min-w-0 rounded-control border border-line-strong bg-surface px-2 font-normal placeholder:text-faint pointer-coarse:h-9 ${className}`}
      />
      <datalist id={list}>
        {options.map((option) => (
          <option key={option} value={option} />
        ))}
      </datalist>
    </label>
  );
}

import { Search, X } from 'lucide-react';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { asProblem } from '../../../api/problem.ts';
import { quoted } from '../../../api/tracking.ts';
import { useRunKeys } from '../run-keys.ts';
import { complete, typingAt, wordsFor } from './suggest.ts';

/**
 * A filter in the server's grammar. It is asked for on Enter or when the field is left; keys are suggested while
 * they are typed. Where the server says that it is wrong, the place is underlined and named.
 */
export function FilterField(props: {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Whose keys are suggested. */
  readonly experimentIds: readonly string[];
  readonly error: unknown;
}) {
  const { value, onChange, experimentIds } = props;
  const [draft, setDraft] = useState(value);
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(-1);
  const [focused, setFocused] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const errorId = useId();
  useEffect(() => setDraft(value), [value]);
  const typing = focused ? typingAt(draft, caret) : null;
  const isKey = typing !== null && typing.kind !== 'word';
  const { keys } = useRunKeys(
    experimentIds,
    { limit: 8, ...(isKey ? { kind: typing.kind, query: typing.typed } : {}) },
    isKey,
  );
  const options: readonly string[] =
    typing === null
      ? []
      : typing.kind === 'word'
        ? wordsFor(typing.typed)
        : keys.map((each) => quoted(each.key)).filter((key) => key !== typing.typed);
  const open = options.length > 0;
  const choose = (option: string): void => {
    if (!typing) return;
    const next = complete(draft, typing.from, caret, option);
    // The text stands in the field before the caret is put behind what was completed: the next key finds it there.
    flushSync(() => {
      setDraft(next.text);
      setActive(-1);
      setCaret(next.caret);
    });
    input.current?.setSelectionRange(next.caret, next.caret);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' && open) setActive((active + 1) % options.length);
    else if (event.key === 'ArrowUp' && open) setActive((active - 1 + options.length) % options.length);
    else if ((event.key === 'Enter' || event.key === 'Tab') && open && active >= 0)
      choose(options[active] ?? '');
    else if (event.key === 'Enter') {
      onChange(draft.trim());
      setFocused(false);
      return;
    } else if (event.key === 'Escape') {
      if (open) setFocused(false);
      else input.current?.blur();
      return;
    } else return;
    event.preventDefault();
  };
  return (
    <div className="relative flex min-w-0 flex-1 basis-60 flex-col gap-1">
      <div className="relative flex items-center">
        <Search size={14} aria-hidden className="pointer-events-none absolute left-2 text-faint" />
        <input
          ref={input}
          type="text"
          inputMode="search"
          role="combobox"
          aria-label="Filter runs"
          aria-expanded={open}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
          aria-invalid={props.error !== null}
          aria-describedby={props.error ? errorId : undefined}
          placeholder="metrics.auc.best > 0.7 AND params.model = 'lgbm'"
          value={draft}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          onChange={(event) => {
            setDraft(event.target.value);
            setFocused(true);
            setActive(-1);
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onFocus={() => setFocused(true)}
          onBlur={() => {
            setFocused(false);
            if (draft.trim() !== value) onChange(draft.trim());
          }}
          onKeyDown={onKeyDown}
          className="h-7 w-full rounded-control border border-line-strong bg-surface pr-7 pl-7 font-mono text-label text-text placeholder:font-sans placeholder:text-body placeholder:text-faint aria-invalid:border-bad pointer-coarse:h-9"
        />
        {draft !== '' && (
          <button
            type="button"
            aria-label="Clear the filter"
            onClick={() => {
              setDraft('');
              onChange('');
            }}
            className="absolute right-1 inline-flex size-6 items-center justify-center text-faint hover:text-text"
          >
            <X size={13} aria-hidden />
          </button>
        )}
      </div>
      <div
        id={listId}
        role="listbox"
        aria-label="What could stand here"
        hidden={!open}
        className="absolute top-8 left-0 z-20 max-h-64 min-w-64 overflow-auto rounded-control border border-line-strong bg-raised py-1 shadow-float pointer-coarse:top-10"
      >
        {options.map((option, index) => (
          // The field keeps the focus and names the active option.
          <button
            type="button"
            tabIndex={-1}
            key={option}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(option)}
            className="block w-full px-3 py-1 text-left font-mono text-label hover:bg-sunken aria-selected:bg-accent-quiet"
          >
            {option}
          </button>
        ))}
      </div>
      {props.error !== null && props.error !== undefined && (
        <div id={errorId}>
          <FilterError error={props.error} text={draft} />
        </div>
      )}
    </div>
  );
}

/** What is wrong with a filter, under the text that is wrong. */
function FilterError(props: { readonly error: unknown; readonly text: string }) {
  const problem = asProblem(props.error);
  const { place } = problem;
  if (!place) {
    return (
      <p role="alert" className="text-bad text-label">
        {problem.detail || problem.title}
      </p>
    );
  }
  const [line, caret] = place.excerpt.split('\n');
  return (
    <div role="alert" className="text-label">
      {/* The caret stands under the field's own text, unless the server shows a part of it only. */}
      <pre aria-hidden className="overflow-x-auto whitespace-pre pl-7 text-bad leading-3">
        {line === props.text ? caret : place.excerpt}
      </pre>
      <p className="text-bad">
        {place.problem} (character {place.position + 1})
        {place.expected.length > 0 && (
          <span className="text-muted">. Here could stand: {place.expected.slice(0, 8).join(', ')}</span>
        )}
      </p>
    </div>
  );
}

import { useEffect, useId, useState } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { parseColumn } from '../runs/columns.ts';
import { keyRows } from './differences.ts';
import { useKeys } from './use-keys.ts';

/** An axis by typing: params and tags of the runs, and values of metrics that the server finds. */
export function OperandField(props: {
  readonly label: string;
  readonly runs: readonly Run[];
  readonly value: string;
  readonly placeholder?: string;
  readonly onChange: (text: string) => void;
}) {
  const { label, runs, value, placeholder, onChange } = props;
  const [draft, setDraft] = useState(value);
  const list = useId();
  useEffect(() => setDraft(value), [value]);
  const typed = draft === value ? '' : draft.replace(/^.*[.(]/, '').replace(/\)$/, '');
  const { keys } = useKeys(runs, 'metric', typed, 30);
  const options = [
    ...keys.flatMap((key) => [`last(${key})`, `best(${key})`]),
    ...keyRows(runs, true).map((row) => `${row.kind}s.${row.key}`),
    'took',
  ];
  const commit = (text: string): void => {
    if (parseColumn(text)) onChange(text);
    else if (text === '' && placeholder !== undefined) onChange('');
    else setDraft(value);
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
        onChange={(event) => {
          setDraft(event.target.value);
          if (options.includes(event.target.value)) onChange(event.target.value);
        }}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={() => draft !== value && commit(draft.trim())}
        onKeyDown={(event) => event.key === 'Enter' && commit(draft.trim())}
        className="h-7 w-44 min-w-0 rounded-control border border-line-strong bg-surface px-2 font-normal placeholder:text-faint pointer-coarse:h-9"
      />
      <datalist id={list}>
        {options.map((option) => (
          <option key={option} value={option} />
        ))}
      </datalist>
    </label>
  );
}

import { useEffect, useId, useState } from 'react';
import type { RunColumnKind } from '../../../../../src/lifecycle/experiments/contract/search.ts';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { useKeys } from './use-keys.ts';

/** A key by typing a part of it; the server searches among all. */
export function KeyField(props: {
  readonly label: string;
  readonly kind: RunColumnKind;
  readonly runs: readonly Run[];
  readonly value: string;
  readonly onChange: (key: string) => void;
}) {
  const { label, kind, runs, value, onChange } = props;
  const [draft, setDraft] = useState(value);
  const list = useId();
  useEffect(() => setDraft(value), [value]);
  const { keys } = useKeys(runs, kind, draft === value ? '' : draft, 50);
  return (
    <label className="inline-flex items-center gap-2">
      <span className="text-label text-muted">{label}</span>
      <input
        type="text"
        list={list}
        value={draft}
        spellCheck={false}
        onChange={(event) => {
          setDraft(event.target.value);
          if (keys.includes(event.target.value)) onChange(event.target.value);
        }}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={() => {
          if (draft.trim() === '') setDraft(value);
          else if (draft !== value) onChange(draft.trim());
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && draft.trim() !== '') onChange(draft.trim());
        }}
        className="h-7 w-56 max-w-full rounded-control border border-line-strong bg-surface px-2 font-normal pointer-coarse:h-9"
      />
      <datalist id={list}>
        {keys.map((key) => (
          <option key={key} value={key} />
        ))}
      </datalist>
    </label>
  );
}

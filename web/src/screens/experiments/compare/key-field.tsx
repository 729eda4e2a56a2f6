import { useState } from 'react';
import type { RunColumnKind } from '../../../../../src/lifecycle/experiments/contract/search.ts';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { ListedField } from '../../../kit/listed-field.tsx';
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
  const [typed, setTyped] = useState('');
  const { keys } = useKeys(runs, kind, typed === value ? '' : typed, 50);
  const take = (key: string): boolean => {
    if (key !== '') onChange(key);
    return key !== '';
  };
  return (
    <ListedField
      {...{ label, value }}
      options={keys}
      className="w-56 max-w-full"
      onType={setTyped}
      onTake={take}
    />
  );
}

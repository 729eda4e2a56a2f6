import { useState } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { ListedField } from '../../../kit/listed-field.tsx';
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
  const [typed, setTyped] = useState('');
  const part = typed === value ? '' : typed.replace(/^.*[.(]/, '').replace(/\)$/, '');
  const { keys } = useKeys(runs, 'metric', part, 30);
  const options = [
    ...keys.flatMap((key) => [`last(${key})`, `best(${key})`]),
    ...keyRows(runs, true).map((row) => `${row.kind}s.${row.key}`),
    'took',
  ];
  const take = (text: string): boolean => {
    const isOne = parseColumn(text) !== null || (text === '' && placeholder !== undefined);
    if (isOne) onChange(text);
    return isOne;
  };
  return (
    <ListedField
      {...{ label, value, options }}
      {...(placeholder === undefined ? {} : { placeholder })}
      className="w-44"
      onType={setTyped}
      onTake={take}
    />
  );
}

import type { TurnGate } from '../../../src/loop/contract.ts';
import type { State } from '../charts/prepare/wheel.ts';
import { StateMark } from './state-mark.tsx';
import { humane, sentence } from './turn-text.ts';

const STATE: Readonly<Record<TurnGate['verdict'], State>> = { pass: 'good', fail: 'bad', unsure: 'watch' };
const WORD: Readonly<Record<TurnGate['verdict'], string>> = {
  pass: 'Passed',
  fail: 'Failed',
  unsure: 'Unsure',
};

/** The gates with their verdicts as sentences. */
export function GateList(props: { readonly gates: readonly TurnGate[] }) {
  return (
    <ul className="flex flex-col gap-2.5">
      {props.gates.map((gate) => (
        <li key={gate.name} className="grid grid-cols-[12px_1fr] items-baseline gap-x-2.5">
          <StateMark state={STATE[gate.verdict]} label={WORD[gate.verdict]} />
          <div className="min-w-0">
            <div className="font-strong">{sentence(gate.name)}</div>
            <div className="text-muted">{humane(gate.reason)}</div>
          </div>
        </li>
      ))}
    </ul>
  );
}

import { Link } from '@tanstack/react-router';
import type { TurnSummary } from '../../../src/loop/contract.ts';
import { wheelOfTurn } from '../charts/prepare/loop-wheel.ts';
import { StateLabel } from './state-mark.tsx';
import { Ago, EventTime } from './time.tsx';
import { causeWord, reasonOf, stateOfTurn, turnWord } from './turn-text.ts';
import { Wheel } from './wheel.tsx';

/** Turns as a story, newest first: how far each went round, what came of it, and why. */
export function TurnRows(props: { readonly turns: readonly TurnSummary[]; readonly withLoop?: boolean }) {
  return (
    <ol className="@container flex flex-col">
      {props.turns.map((turn) => (
        <li key={turn.id}>
          <Link
            to="/turns/$turnId"
            params={{ turnId: turn.id }}
            className="grid grid-cols-[24px_1fr] items-start @xl:grid-cols-[24px_1fr_max-content] gap-x-3 gap-y-0.5 border-line border-t px-4 py-2.5 transition-colors hover:bg-sunken @4xl:grid-cols-[24px_200px_1fr_max-content] @4xl:items-center"
          >
            <Wheel {...wheelOfTurn(turn)} size={22} />
            <span className="flex items-baseline gap-2">
              <span className="font-strong">
                {props.withLoop ? `${turn.loop} / ${turn.number}` : `Turn ${turn.number}`}
              </span>
              <StateLabel state={stateOfTurn(turn.state)}>
                {turn.challengerVersion !== null && `v${turn.challengerVersion} `}
                {turnWord(turn.state)}
              </StateLabel>
            </span>
            <span
              className="col-span-2 col-start-2 min-w-0 text-muted @4xl:col-span-1 @4xl:col-start-3 @4xl:truncate"
              title={turn.reason}
            >
              {reasonOf(turn)}
            </span>
            <span className="col-start-2 flex items-center gap-3 text-label text-muted @xl:col-start-3 @xl:row-start-1 @4xl:col-start-4">
              <span data-tip={turn.trigger.reason}>{causeWord(turn.trigger.cause)}</span>
              {turn.startedEventTime && <EventTime at={turn.startedEventTime} />}
              <Ago at={turn.finishedAt ?? turn.startedAt} className="w-20 text-right" />
            </span>
          </Link>
        </li>
      ))}
    </ol>
  );
}

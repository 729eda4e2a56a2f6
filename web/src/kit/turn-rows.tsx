import { Link } from '@tanstack/react-router';
import type { TurnSummary } from '../../../src/loop/contract.ts';
import { wheelOfTurn } from '../charts/prepare/loop-wheel.ts';
import { StateLabel } from './state-mark.tsx';
import { Ago, EventTime } from './time.tsx';
import { causeWord, humane, reasonOf, stateOfTurn, turnWord } from './turn-text.ts';
import { Wheel } from './wheel.tsx';

const PARTS = 'col-start-2 flex items-center gap-3 text-label text-muted @xl:col-start-3 @xl:row-start-1';

/**
 * Turns as a story, newest first: how far each went round, what came of it, and why. Where there is room each part is a
 * column of its own, as wide as its longest text; long names of loops are cut.
 */
export function TurnRows(props: { readonly turns: readonly TurnSummary[]; readonly withLoop?: boolean }) {
  return (
    <div className="@container">
      <ol className="flex flex-col @4xl:grid @4xl:grid-cols-[40px_fit-content(280px)_max-content_minmax(0,1fr)_repeat(3,max-content)] @4xl:gap-x-3">
        {props.turns.map((turn) => (
          <li key={turn.id} className="@4xl:col-span-full @4xl:grid @4xl:grid-cols-subgrid">
            <Link
              to="/turns/$turnId"
              params={{ turnId: turn.id }}
              className="grid grid-cols-[24px_1fr] items-start gap-x-3 gap-y-0.5 border-line border-t px-4 py-2.5 transition-colors hover:bg-sunken @xl:grid-cols-[24px_1fr_max-content] @4xl:col-span-full @4xl:grid-cols-subgrid @4xl:items-center"
            >
              <Wheel {...wheelOfTurn(turn)} size={22} />
              <span className="flex flex-wrap items-baseline gap-x-2 @4xl:contents">
                {props.withLoop ? (
                  <span className="min-w-0 break-words font-strong @4xl:flex" title={turn.loop}>
                    <span className="@4xl:truncate">{turn.loop}</span>
                    <span className="whitespace-pre"> / {turn.number}</span>
                  </span>
                ) : (
                  <span className="font-strong">Turn {turn.number}</span>
                )}
                <StateLabel state={stateOfTurn(turn.state)}>
                  {turn.challengerVersion !== null && `v${turn.challengerVersion} `}
                  {turnWord(turn.state)}
                </StateLabel>
              </span>
              <span
                className="col-span-2 col-start-2 min-w-0 text-muted @4xl:col-span-1 @4xl:col-start-auto @4xl:truncate"
                title={humane(turn.reason)}
              >
                {reasonOf(turn)}
              </span>
              <span className={`${PARTS} @4xl:contents`}>
                <span data-tip={humane(turn.trigger.reason)}>{causeWord(turn.trigger.cause)}</span>
                <span>{turn.startedEventTime && <EventTime at={turn.startedEventTime} />}</span>
                <Ago at={turn.finishedAt ?? turn.startedAt} className="text-right" />
              </span>
            </Link>
          </li>
        ))}
      </ol>
    </div>
  );
}

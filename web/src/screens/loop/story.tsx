import type { TurnTransition } from '../../../../src/loop/contract.ts';
import { JsonView } from '../../kit/json-view.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago, EventTime } from '../../kit/time.tsx';
import { sentence, stateOfTurn, turnWord } from '../../kit/turn-text.ts';

/** Every change of state in order, each with its reason and, folded, the evidence it rests on. */
export function Story(props: { readonly transitions: readonly TurnTransition[] }) {
  const last = props.transitions.length - 1;
  return (
    <ol className="flex flex-col">
      {props.transitions.map((transition, index) => (
        <li
          key={`${transition.at}${transition.from}${transition.to}${transition.reason}`}
          className="relative grid grid-cols-[16px_1fr] gap-x-3 pb-4 last:pb-0"
        >
          {index < last && (
            <span aria-hidden className="absolute top-4 bottom-0 left-[7px] w-px bg-line-strong" />
          )}
          <span className="flex h-5 items-center justify-center">
            <StateMark state={index === last ? stateOfTurn(transition.to) : 'good'} size={9} label="" />
          </span>
          <div className="min-w-0">
            <div className="flex flex-wrap items-baseline gap-x-3">
              <span className="font-strong">{sentence(turnWord(transition.to))}</span>
              <span className="flex items-center gap-3 text-label text-muted">
                {transition.eventTime && <EventTime at={transition.eventTime} precise />}
                <Ago at={transition.at} />
                {!transition.actor.startsWith('system') && <span>by {transition.actor}</span>}
              </span>
            </div>
            <p className="break-words text-muted">{sentence(transition.reason)}</p>
            {Object.keys(transition.evidence).length > 0 && (
              <details className="pt-1">
                <summary className="w-max text-label text-accent">Evidence</summary>
                <div className="pt-1.5">
                  <JsonView value={transition.evidence} label="Evidence" />
                </div>
              </details>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}

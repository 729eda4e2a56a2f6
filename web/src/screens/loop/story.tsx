import type { TurnTransition } from '../../../../src/loop/contract.ts';
import { JsonView } from '../../kit/json-view.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago, EventTime } from '../../kit/time.tsx';
import { actorName, sentence, stateOfTurn, turnWord } from '../../kit/turn-text.ts';

/** Changes to the same state at the same event time: one moment of the story. */
function momentsOf(transitions: readonly TurnTransition[]): readonly (readonly TurnTransition[])[] {
  const moments: TurnTransition[][] = [];
  for (const transition of transitions) {
    const last = moments.at(-1);
    const [first] = last ?? [];
    const same =
      first !== undefined &&
      first.to === transition.to &&
      first.eventTime === transition.eventTime &&
      first.actor === transition.actor;
    if (same) last?.push(transition);
    else moments.push([transition]);
  }
  return moments;
}

/** Every change of state in order, each with its reason and, folded, the evidence it rests on. */
export function Story(props: { readonly transitions: readonly TurnTransition[] }) {
  const moments = momentsOf(props.transitions);
  return (
    <ol className="flex flex-col">
      {moments.map((moment, index) => (
        <Moment key={moment[0]?.at} moment={moment} isLast={index === moments.length - 1} />
      ))}
    </ol>
  );
}

function Moment(props: { readonly moment: readonly TurnTransition[]; readonly isLast: boolean }) {
  const { moment, isLast } = props;
  const [first] = moment;
  if (!first) return null;
  return (
    <li className="relative grid grid-cols-[16px_1fr] gap-x-3 pb-4 last:pb-0">
      {!isLast && <span aria-hidden className="absolute top-4 bottom-0 left-[7px] w-px bg-line-strong" />}
      <span className="flex h-5 items-center justify-center">
        <StateMark state={isLast ? stateOfTurn(first.to) : 'good'} size={9} label="" />
      </span>
      <div className="min-w-0">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <span className="font-strong">{sentence(turnWord(first.to))}</span>
          <span className="flex items-center gap-3 text-label text-muted">
            {first.eventTime && <EventTime at={first.eventTime} precise />}
            <Ago at={first.at} />
            {!first.actor.startsWith('system') && <span>by {actorName(first.actor)}</span>}
          </span>
        </div>
        {moment.map((transition) => (
          <Reason key={`${transition.at}${transition.reason}`} transition={transition} />
        ))}
      </div>
    </li>
  );
}

/** Why, and folded under it what that rests on. */
function Reason(props: { readonly transition: TurnTransition }) {
  const { reason, evidence } = props.transition;
  if (Object.keys(evidence).length === 0) return <p className="break-words text-muted">{sentence(reason)}</p>;
  return (
    <details>
      <summary className="break-words py-0.5 text-muted">
        {sentence(reason)} <span className="text-accent text-label">evidence</span>
      </summary>
      <div className="py-1.5">
        <JsonView value={evidence} label="Evidence" />
      </div>
    </details>
  );
}

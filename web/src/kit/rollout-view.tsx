import { useQuery } from '@tanstack/react-query';
import type { Guardrail, OutcomeComparison, Rollout, Turn } from '../../../src/loop/contract.ts';
import type { JournalEvent } from '../api/live.ts';
import { turnLooksQuery } from '../api/queries.ts';
import { ConfidenceSequence } from '../charts/draw/confidence-sequence.tsx';
import { StepPlan } from '../charts/draw/step-plan.tsx';
import type { Look } from '../charts/prepare/confidence-sequence.ts';
import { type PlanInput, prepareStepPlan } from '../charts/prepare/step-plan.ts';
import type { State } from '../charts/prepare/wheel.ts';
import { formatCount, formatDuration, formatSigned } from './format.ts';
import { StateMark } from './state-mark.tsx';
import { sentence } from './turn-text.ts';

const RAIL_STATE: Readonly<Record<Guardrail['verdict'], State>> = {
  pass: 'good',
  fail: 'bad',
  waiting: 'none',
};

/** The present look at a roll-out, or the last one when it is over; null when none began. */
export const lastRollout = (turn: Turn): Rollout | null => turn.rollout ?? turn.rolloutHistory.at(-1) ?? null;

function stageOf(turn: Turn): PlanInput['stage'] {
  if (turn.state === 'promoted' || turn.state === 'promoting') return 'promoted';
  if (turn.finishedAt !== null) return 'stopped';
  return turn.rollout?.stage ?? 'before';
}

type Compared = { readonly outcome: OutcomeComparison | null; readonly percent: number | null };

/** Every look that compared outcomes, oldest first; looks at the same evidence are one. */
function looksOf(compared: readonly Compared[]): readonly Look[] {
  const looks = compared.flatMap(({ outcome, percent }) =>
    outcome &&
    outcome.difference !== null &&
    outcome.low !== null &&
    outcome.high !== null &&
    outcome.pairs > 0
      ? [
          {
            pairs: outcome.pairs,
            value: outcome.difference,
            low: outcome.low,
            high: outcome.high,
            at: percent ? `at ${percent}\u202f%` : 'in shadow',
          },
        ]
      : [],
  );
  return [...new Map(looks.map((look) => [look.pairs, look])).values()];
}

/** The looks that the journal has of this turn's roll-out. */
function journalled(events: readonly JournalEvent[]): readonly Compared[] {
  return events.flatMap((event) => {
    if (event.type !== 'turn.assessed') return [];
    const { outcome = null, percent = null } = event.data as Partial<Compared>;
    return [{ outcome, percent }];
  });
}

/** Steps, "is it better?", "is it safe?" of one turn's roll-out: as it is now, or as it was when it ended. */
export function RolloutView(props: { readonly turn: Turn }) {
  const { turn } = props;
  const rollout = lastRollout(turn);
  const events = useQuery(turnLooksQuery(turn.loop, turn.number));
  if (!rollout) return null;
  const needs = [rollout.requests, rollout.labels, rollout.timeMs];
  const steps = prepareStepPlan({
    steps: rollout.steps,
    shadow: rollout.stage === 'shadow' || turn.rolloutHistory.some((each) => each.stage === 'shadow'),
    stage: stageOf(turn),
    step: rollout.step,
    needs,
    note: turn.finishedAt === null ? needText(rollout) : '',
  });
  const looks = looksOf([...journalled(events.data?.items ?? []), ...turn.rolloutHistory, rollout]);
  const { outcome } = rollout;
  return (
    <div className="flex flex-col gap-6">
      <StepPlan steps={steps} />
      <section className="flex flex-col gap-1">
        <h3 className="font-strong">Is v{turn.challengerVersion} better?</h3>
        <p className="text-muted">{sentence(rollout.reason)}</p>
        {outcome && looks.length > 0 && (
          <>
            <p className="pt-2 text-label text-muted">
              Log loss of v{turn.challengerVersion} less that of v{turn.championVersion}, on the same
              requests; anytime-valid {Math.round((1 - outcome.alpha) * 100)}
              {'\u202f'}% interval. Across: labelled outcomes.
            </p>
            <ConfidenceSequence
              looks={looks}
              bounds={[
                { value: 0, label: 'all above: roll back' },
                { value: outcome.margin, label: `all below ${formatSigned(outcome.margin)}: not worse` },
              ]}
            />
          </>
        )}
      </section>
      <section className="flex flex-col gap-2">
        <h3 className="font-strong">Is it safe?</h3>
        <ul className="grid gap-x-8 gap-y-2 sm:grid-cols-2">
          {rollout.guardrails.map((rail) => (
            <li key={rail.name} className="grid grid-cols-[12px_1fr] items-baseline gap-x-2.5">
              <StateMark state={RAIL_STATE[rail.verdict]} />
              <div>
                <span className="font-strong">{sentence(rail.name)}</span>
                <span className="block text-muted">{rail.reason}</span>
              </div>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function needText(rollout: Rollout): string {
  const parts: string[] = [];
  if (rollout.labels.have < rollout.labels.need)
    parts.push(`${formatCount(rollout.labels.have)} of ${formatCount(rollout.labels.need)} labels`);
  if (rollout.requests.have < rollout.requests.need)
    parts.push(`${formatCount(rollout.requests.have)} of ${formatCount(rollout.requests.need)} requests`);
  if (rollout.timeMs.have < rollout.timeMs.need)
    parts.push(`${formatDuration(rollout.timeMs.have)} of ${formatDuration(rollout.timeMs.need)} event time`);
  return parts.join(', ');
}

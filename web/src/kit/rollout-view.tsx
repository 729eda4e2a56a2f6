import { useQuery } from '@tanstack/react-query';
import type { ArmComparison, Rollout, Turn } from '../../../src/loop/contract.ts';
import type { JournalEvent } from '../api/live.ts';
import { turnLooksQuery } from '../api/queries.ts';
import { StepPlan } from '../charts/draw/step-plan.tsx';
import type { Look } from '../charts/prepare/confidence-sequence.ts';
import { prepareStepPlan } from '../charts/prepare/step-plan.ts';
import { formatPercent } from './format.ts';
import { RolloutEvidence } from './rollout/evidence.tsx';
import { boundsOf } from './rollout/evidence-text.ts';
import { lastRollout, stepsOfTurn } from './rollout/turn-rollout.ts';
import { sentence } from './turn-text.ts';

type Compared = { readonly comparison: ArmComparison | null; readonly percent: number | null };

/** The looks that compared outcomes on this metric, oldest first; looks at the same evidence are one. */
function looksOf(compared: readonly Compared[], metric: string): readonly Look[] {
  const looks = compared.flatMap(({ comparison, percent }) =>
    comparison &&
    comparison.metric === metric &&
    comparison.difference !== null &&
    comparison.low !== null &&
    comparison.high !== null
      ? [
          {
            pairs: comparison.n,
            value: comparison.difference,
            low: comparison.low,
            high: comparison.high,
            at: percent ? `at ${percent}\u202f%` : 'in shadow',
          },
        ]
      : [],
  );
  return [...new Map(looks.map((look) => [look.pairs, look])).values()];
}

/** The looks that the journal has of this turn's rollout; those of the primary metric alone. */
function journalled(events: readonly JournalEvent[]): readonly Compared[] {
  return events.flatMap((event) => {
    if (event.type !== 'turn.assessed') return [];
    const { comparison = null, percent = null } = event.data as Partial<Compared>;
    return [{ comparison, percent }];
  });
}

const ofStep = (rollout: Rollout, metric: string): Compared => ({
  comparison: rollout.comparisons.find((c) => c.metric === metric && c.segment === null) ?? null,
  percent: rollout.percent,
});

/** Steps and evidence of one turn's rollout: as it is now, or as it was when it ended. */
export function RolloutView(props: { readonly turn: Turn }) {
  const { turn } = props;
  const rollout = lastRollout(turn);
  const events = useQuery(turnLooksQuery(turn.loop, turn.number));
  if (!rollout) return null;
  const steps = prepareStepPlan(stepsOfTurn(turn, rollout));
  const told = journalled(events.data?.items ?? []);
  const metric = rollout.comparisons[0]?.metric ?? 'logLoss';
  const share = rollout.percent / 100;
  return (
    <div className="flex flex-col gap-6">
      {rollout.stage !== 'bandit' && <StepPlan steps={steps} />}
      <p className="text-muted">{sentence(rollout.reason)}</p>
      <RolloutEvidence
        model={turn.model}
        championVersion={String(turn.championVersion)}
        metric={metric}
        look={rollout}
        bandit={rollout.bandit}
        courseOf={(comparison) =>
          looksOf(
            [
              ...told,
              ...turn.rolloutHistory.map((step) => ofStep(step, comparison.metric)),
              ofStep(rollout, comparison.metric),
            ],
            comparison.metric,
          )
        }
        boundsOf={({ metric: of, margin }) =>
          boundsOf({
            isPrimary: of === metric,
            isCanary: rollout.stage !== 'bandit',
            prove: 'notWorse',
            margin,
          })
        }
        need={rollout.labels.need}
        shareOf={
          turn.finishedAt === null
            ? (arm) => formatPercent(arm.arm === 'champion' ? 1 - share : share)
            : undefined
        }
        nothing={
          rollout.stage === 'shadow'
            ? 'It is compared once it has traffic.'
            : 'Too few labelled outcomes for an interval.'
        }
      />
    </div>
  );
}

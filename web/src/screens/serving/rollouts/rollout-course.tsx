import type { Endpoint } from '../../../../../src/lifecycle/serving/contract.ts';
import type { ArmSeen, EndpointRollout } from '../../../../../src/loop/contract.ts';
import { StepPlan } from '../../../charts/draw/step-plan.tsx';
import { prepareStepPlan } from '../../../charts/prepare/step-plan.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { FoldedList } from '../../../kit/folded-list.tsx';
import { formatPercent } from '../../../kit/format.ts';
import { RolloutEvidence } from '../../../kit/rollout/evidence.tsx';
import { boundsOf } from '../../../kit/rollout/evidence-text.ts';
import { StateLabel } from '../../../kit/state-mark.tsx';
import { Ago, EventTime } from '../../../kit/time.tsx';
import { humane, sentence } from '../../../kit/turn-text.ts';
import {
  armNames,
  countedVersions,
  courseOf,
  planOfRollout,
  rolloutTitle,
  STATE_WORDS,
  stateOfRollout,
  stepsOfRollout,
} from './course-text.ts';
import { ShareChart } from './share-chart.tsx';

/** One rollout from its plan to its end: where it stands, what its verdict rests on, and who decided what. */
export function RolloutCourse(props: { readonly rollout: EndpointRollout; readonly endpoint: Endpoint }) {
  const { rollout, endpoint } = props;
  const { look } = rollout;
  const plan = planOfRollout(rollout);
  const steps = stepsOfRollout(rollout);
  const shares = new Map(endpoint.arms.map((arm) => [`${arm.arm} ${arm.modelVersion}`, arm.weight]));
  const shareOf = (arm: ArmSeen): string =>
    rollout.step.stage === 'shadow' && arm.arm !== 'champion'
      ? 'copies'
      : formatPercent(shares.get(`${arm.arm} ${arm.version}`));
  return (
    <div className="flex flex-col gap-6">
      <div className="flex flex-col gap-1">
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className="font-strong" data-tip={countedVersions(rollout) ?? undefined}>
            {rolloutTitle(rollout)}
          </span>
          <StateLabel state={stateOfRollout(rollout.state)}>{STATE_WORDS[rollout.state]}</StateLabel>
          <span className="text-label text-muted">
            began <Ago at={rollout.createdAt} />
            {rollout.endedAt && (
              <>
                , ended <Ago at={rollout.endedAt} />
              </>
            )}
          </span>
        </p>
        <p className="text-muted">
          {sentence(rollout.reason, armNames(rollout))}
          {rollout.coolUntil && (
            <>
              . It cools down until <EventTime at={rollout.coolUntil} precise />
            </>
          )}
          .
        </p>
      </div>
      {rollout.earlier.length > 0 && <Earlier rollout={rollout} />}
      {steps && <StepPlan steps={prepareStepPlan(steps)} />}
      {plan.kind === 'bandit' && <ShareChart rollout={rollout} />}
      {look ? (
        <RolloutEvidence
          model={rollout.model}
          championVersion={rollout.championVersion}
          metric={plan.metric}
          look={look}
          bandit={rollout.bandit}
          courseOf={(comparison) => courseOf(rollout, comparison.arm, comparison.metric)}
          boundsOf={({ metric, margin }) =>
            boundsOf({
              isPrimary: metric === plan.metric,
              isCanary: plan.kind === 'canary',
              prove: plan.prove,
              margin,
            })
          }
          need={plan.minLabels}
          shareOf={rollout.endedAt === null ? shareOf : undefined}
          nothing={
            rollout.step.stage === 'shadow' && rollout.endedAt === null
              ? 'It is compared once it has traffic.'
              : 'Too few labelled outcomes for an interval.'
          }
        />
      ) : (
        <EmptyLine>
          {rollout.endedAt === null
            ? 'The first look comes within some seconds.'
            : 'It ended before it was looked at.'}
        </EmptyLine>
      )}
      <Decisions rollout={rollout} />
    </div>
  );
}

/** What became of its versions when they were rolled out here before. */
function Earlier(props: { readonly rollout: EndpointRollout }) {
  return (
    <ul className="flex flex-col gap-1">
      {props.rollout.earlier.map((each) => (
        <li key={each.rollout}>
          <StateLabel state="watch">
            v{each.version} was {STATE_WORDS[each.state]} here before:
          </StateLabel>{' '}
          <span className="text-muted">{humane(each.reason)}</span>
        </li>
      ))}
    </ul>
  );
}

const DECISIONS: Readonly<Record<string, string>> = { weights: 'shares moved', start: 'begun' };

/** Who decided what, newest first. */
function Decisions(props: { readonly rollout: EndpointRollout }) {
  return (
    <section className="flex flex-col gap-1">
      <h3 className="font-strong">What was decided</h3>
      <FoldedList
        entries={props.rollout.decisions.toReversed()}
        isRoutine={isRoutine}
        keyOf={({ at, action }) => `${at}/${action}`}
        rowClass="border-line border-b py-1.5 last:border-b-0"
      >
        {(decision) => <DecisionLine decision={decision} />}
      </FoldedList>
    </section>
  );
}

type Decision = EndpointRollout['decisions'][number];

const isRoutine = ({ action, actor }: Decision): boolean =>
  action === 'weights' && actor.startsWith('system');

function DecisionLine(props: { readonly decision: Decision }) {
  const { decision } = props;
  const word = sentence(DECISIONS[decision.action] ?? decision.action);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_max-content] gap-x-4">
      <span className="wrap-anywhere min-w-0">
        <span className="font-strong">{word}</span>{' '}
        <span className="text-muted">
          <bdi>{humane(decision.reason).replace(/^shares (?=by )/, '')}</bdi>
          {!decision.actor.startsWith('system') && <>, by {decision.actor.replace(/^user:/, '')}</>}
        </span>
      </span>
      <Ago at={decision.at} className="text-label text-muted" />
    </div>
  );
}

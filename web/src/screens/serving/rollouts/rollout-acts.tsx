import { useState } from 'react';
import type { EndpointRollout } from '../../../../../src/loop/contract.ts';
import { Act } from '../../../kit/act.tsx';
import { SelectField } from '../../../kit/fields.tsx';
import { isPromoted, planOfRollout } from './course-text.ts';

/**
 * What a person may do to a rollout; each says its effect and asks why. `champion` is the endpoint's version now: what
 * was promoted goes back only while nothing came after it.
 */
export function RolloutActs(props: {
  readonly rollout: EndpointRollout;
  readonly champion: string | undefined;
}) {
  const { id, endpoint, state, step, championVersion } = props.rollout;
  const own = `/endpoints/${encodeURIComponent(endpoint)}/rollouts/${encodeURIComponent(id)}`;
  const steps = planOfRollout(props.rollout).steps ?? [];
  const next = steps[step.index === null ? 0 : step.index + 1];
  const isOpen = state === 'running' || state === 'paused' || state === 'ready';
  return (
    <>
      <Act
        verb="Roll back"
        look="danger"
        title={`Back to v${championVersion}`}
        path={`${own}/rollback`}
        effect={`v${championVersion} has all traffic again, at once.`}
        isPossible={isPromoted(props.rollout, props.champion)}
      />
      <Act
        verb="Pause"
        title="Pause the rollout"
        path={`${own}/pause`}
        effect="The shares stay as they are. Harm is still acted on."
        isPossible={state === 'running'}
      />
      <Act
        verb="Resume"
        title="Resume the rollout"
        path={`${own}/resume`}
        effect="It goes on by its verdicts."
        isPossible={state === 'paused'}
      />
      <Act
        verb={`Advance to ${next}\u202f%`}
        title={`Go on to ${next}\u202f%`}
        path={`${own}/advance`}
        body={(reason) => ({ percent: next, reason })}
        effect={`The version answers ${next}\u202f% now, without waiting for the proof of this step.`}
        isPossible={next !== undefined && isOpen && state !== 'ready'}
      />
      <PromoteAct rollout={props.rollout} path={`${own}/promote`} isPossible={isOpen} />
      <Act
        verb="Abort"
        look="danger"
        title="Abort the rollout"
        path={`${own}/abort`}
        effect={`All traffic returns to v${championVersion} at once. Until its cool-down is over the version begins here again only if somebody says so.`}
        isPossible={isOpen}
      />
    </>
  );
}

/** Promotes the one that is tried; of several, the one that is chosen in the dialog. */
function PromoteAct(props: {
  readonly rollout: EndpointRollout;
  readonly path: string;
  readonly isPossible: boolean;
}) {
  const { plan, look, state, championVersion } = props.rollout;
  const named = (plan as { arms?: readonly { arm: string; version: number }[] }).arms;
  const arms = named ?? [{ arm: 'challenger', version: (plan as { version?: number }).version ?? 0 }];
  const proved = look?.comparisons.find((c) => c.segment === null && c.verdict === 'better')?.arm;
  const [chosen, setChosen] = useState<string>();
  const arm = arms.find((each) => each.arm === (chosen ?? proved)) ?? arms[0];
  if (!arm) return null;
  const unproved =
    state === 'ready'
      ? ''
      : ' It is not proved yet: you decide against the plan, and the audit trail says so.';
  return (
    <Act
      verb="Promote"
      look={state === 'ready' ? 'primary' : 'plain'}
      title={arms.length === 1 ? `Promote v${arm.version}` : 'Promote an arm'}
      path={props.path}
      isPossible={props.isPossible}
      body={(reason) => (named ? { arm: arm.arm, reason } : { reason })}
      effect={
        <div className="flex flex-col gap-3">
          {arms.length > 1 && (
            <SelectField
              label="Arm"
              value={arm.arm}
              options={arms.map((each) => [each.arm, `v${each.version} ${each.arm}`] as const)}
              onChange={setChosen}
            />
          )}
          <p>
            v{arm.version} has all traffic at once; v{championVersion} stays loaded, so that the way back is
            one switch.{unproved}
          </p>
        </div>
      }
    />
  );
}

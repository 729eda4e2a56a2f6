import { CheckField, Choice, SelectField } from '../../../kit/fields.tsx';
import { ArmRows } from './arm-rows.tsx';
import { JudgedPart } from './judged-part.tsx';
import { asKind, isJudged, isMany, kindText, planKinds } from './plan-draft.ts';
import { type FormProps, GRID, Line } from './plan-line.tsx';

/** Everything that a plan says, the usual first and the rest folded away with what it stands at. */
export function PlanForm(props: FormProps) {
  const { draft, onChange, versions } = props;
  const { kind } = draft;
  return (
    <div className="flex flex-col gap-5">
      <div className="flex flex-col gap-2">
        <Choice
          label="Kind of rollout"
          value={kind}
          options={planKinds}
          onChange={(next) => onChange(asKind(draft, next))}
        />
        <p className="text-muted">{kindText[kind]}</p>
      </div>
      {isMany(kind) ? (
        <ArmRows
          arms={draft.arms}
          versions={versions}
          withPercent={kind === 'split'}
          onChange={(arms) => onChange({ ...draft, arms })}
        />
      ) : (
        <SelectField
          label="Version"
          value={draft.arms[0]?.version ?? ''}
          options={versions}
          onChange={(version) =>
            onChange({
              ...draft,
              arms: draft.arms.map((arm, index) => (index === 0 ? { ...arm, version } : arm)),
            })
          }
        />
      )}
      {kind === 'canary' && <CanaryPart {...props} />}
      {kind === 'bandit' && <BanditPart {...props} />}
      {isJudged(kind) && <JudgedPart {...props} />}
    </div>
  );
}

function CanaryPart(props: FormProps) {
  const { draft, onChange } = props;
  return (
    <div className="flex flex-col gap-3">
      <div className={GRID}>
        <Line of={props} name="shadowRequests" label="First in shadow, for" unit="copies" empty="no shadow" />
        <Line of={props} name="steps" label="Then steps of the traffic" unit="%" />
        <SelectField
          label="At the end"
          value={draft.promote}
          options={[
            ['auto', 'promote by itself'],
            ['manual', 'wait for a person'],
          ]}
          onChange={(promote) => onChange({ ...draft, promote })}
        />
        <Line of={props} name="minRequests" label="Each step: at least" unit="requests" />
        <Line of={props} name="minTime" label="Each step lasts at least" empty="no time, or 6h, 2d" />
      </div>
      <CheckField
        label="Mirror: the challenger also scores what the champion answers, so both are compared on the same requests"
        checked={draft.mirror}
        onChange={(mirror) => onChange({ ...draft, mirror })}
      />
    </div>
  );
}

function BanditPart(props: FormProps) {
  const { draft, onChange } = props;
  return (
    <div className={GRID}>
      <SelectField
        label="How it chooses"
        value={draft.algorithm}
        options={[
          ['thompson', 'Thompson sampling'],
          ['epsilonGreedy', 'epsilon-greedy'],
        ]}
        onChange={(algorithm) => onChange({ ...draft, algorithm })}
      />
      <SelectField
        label="Rewards are"
        value={draft.rewards}
        options={[
          ['beta', 'between 0 and 1'],
          ['gaussian', 'any number'],
        ]}
        onChange={(rewards) => onChange({ ...draft, rewards })}
      />
      {draft.algorithm === 'epsilonGreedy' ? (
        <Line of={props} name="epsilon" label="Explores" unit="%" />
      ) : (
        <Line of={props} name="rewardAfter" label="No label counts as 0 after" empty="never, or 1h" />
      )}
      <Line of={props} name="floor" label="Every arm keeps at least" unit="%" />
      <Line of={props} name="maxChange" label="A share moves at most" unit="%" />
      <Line of={props} name="every" label="Shares move every" empty="10m" />
      <SelectField
        label="An arm that is proved"
        value={draft.promote}
        options={[
          ['never', 'changes nothing'],
          ['manual', 'waits for a person'],
          ['auto', 'is promoted'],
        ]}
        onChange={(promote) => onChange({ ...draft, promote })}
      />
    </div>
  );
}

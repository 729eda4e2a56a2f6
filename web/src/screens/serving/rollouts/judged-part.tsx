import type { ReactNode } from 'react';
import { SelectField } from '../../../kit/fields.tsx';
import { metricText } from '../../../kit/metric.ts';
import { GuardRows } from './guard-rows.tsx';
import { listOf, planMetrics, rewardMetrics } from './plan-draft.ts';
import { type FormProps, GRID, Line } from './plan-line.tsx';

const SUGGESTED = 12;

export function JudgedPart(props: FormProps) {
  const { draft, onChange, features } = props;
  const { kind, metric } = draft;
  const chosen = listOf(draft.segments);
  const worth = [metric, ...draft.guardrails.map((rail) => rail.metric)].includes('value');
  return (
    <>
      <div className="flex flex-col gap-3">
        <h3 className="font-strong">{kind === 'bandit' ? 'Reward' : 'Proof'}</h3>
        <div className={GRID}>
          <SelectField
            label={kind === 'bandit' ? 'What is rewarded' : 'Primary metric'}
            value={metric}
            options={kind === 'bandit' ? rewardMetrics : planMetrics}
            onChange={(next) => onChange({ ...draft, metric: next })}
          />
          {kind === 'canary' && (
            <>
              <SelectField
                label="The version must be"
                value={draft.prove}
                options={[
                  ['notWorse', 'not worse'],
                  ['better', 'better'],
                ]}
                onChange={(prove) => onChange({ ...draft, prove })}
              />
              <Line of={props} name="margin" label="Margin of “not worse”" />
            </>
          )}
          {kind !== 'canary' && draft.promote !== 'never' && (
            <Line of={props} name="minRequests" label="Each arm: at least" unit="requests" />
          )}
          {draft.promote !== 'never' && (
            <Line of={props} name="minLabels" label="On at least" unit="labels" />
          )}
          {metric !== 'logLoss' && metric !== 'brier' && metric !== 'outcome' && (
            <Line of={props} name="threshold" label="Decides yes from a score of" />
          )}
        </div>
        {worth && (
          <div className="grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-4">
            <Line of={props} name="truePositive" label="A hit is worth" empty="0" />
            <Line of={props} name="falsePositive" label="A false alarm" empty="0" />
            <Line of={props} name="trueNegative" label="A right no" empty="0" />
            <Line of={props} name="falseNegative" label="A miss" empty="0" />
          </div>
        )}
      </div>
      <Folded
        title="Guardrails"
        text={[
          `errors ${draft.maxErrors || '1'}\u202f%`,
          draft.maxLatencyP99Ms && `p99 ${draft.maxLatencyP99Ms}\u202fms`,
          `p99 ${draft.maxLatencyRatio || '2'}× the champion’s`,
          ...draft.guardrails.map((rail) => metricText(rail.metric).title.toLowerCase()),
        ]}
      >
        <div className={GRID}>
          <Line of={props} name="maxErrors" label="Errors, at most" unit="%" />
          <Line
            of={props}
            name="maxLatencyP99Ms"
            label="99th percentile of latency"
            unit="ms"
            empty="not bounded"
          />
          <Line of={props} name="maxLatencyRatio" label="The same beside the champion’s" unit="times" />
        </div>
        {kind === 'canary' && draft.shadowRequests.trim() !== '' && (
          <div className={GRID}>
            <Line of={props} name="maxScoreShift" label="In shadow: scores shift by" empty="0.5" />
            <Line of={props} name="maxDisagreement" label="In shadow: other decisions" unit="%" empty="50" />
          </div>
        )}
        <GuardRows rows={draft.guardrails} onChange={(guardrails) => onChange({ ...draft, guardrails })} />
      </Folded>
      {kind !== 'bandit' && (
        <Folded title="Protected segments" text={[chosen.length === 0 ? 'none' : chosen.join(', ')]}>
          <div className={GRID}>
            <div className="col-span-2">
              <Line
                of={props}
                name="segments"
                label="Features whose ten most frequent values are protected"
                empty="none"
              />
            </div>
            <Line of={props} name="segmentMargin" label="None gets worse by more than" />
          </div>
          <Suggestions
            names={features.filter((name) => !chosen.includes(name)).slice(0, SUGGESTED)}
            onPick={(name) => onChange({ ...draft, segments: [...chosen, name].join(', ') })}
          />
        </Folded>
      )}
      <Folded
        title="Limits"
        text={[
          `ends undecided after ${draft.maxTime || '14d'}`,
          `wrong in at most ${draft.alpha || '5'}\u202f% of rollouts`,
        ]}
      >
        <div className={GRID}>
          <Line of={props} name="maxTime" label="Undecided ends after" empty="14d" />
          <Line of={props} name="cooldown" label="Aborted waits before another try" empty="1h" />
          <Line of={props} name="alpha" label="All its statements wrong in at most" unit="%" />
        </div>
      </Folded>
    </>
  );
}

function Suggestions(props: { readonly names: readonly string[]; readonly onPick: (name: string) => void }) {
  return (
    <span className="-mt-1.5 flex flex-wrap gap-1 empty:hidden">
      {props.names.map((name) => (
        <button
          key={name}
          type="button"
          onClick={() => props.onPick(name)}
          className="rounded-control border border-line px-1.5 text-label text-muted hover:bg-sunken hover:text-text"
        >
          + {name}
        </button>
      ))}
    </span>
  );
}

/** A part that most people leave as it is: closed it says how it stands. */
function Folded(props: {
  readonly title: string;
  readonly text: readonly (string | false | undefined)[];
  readonly children: ReactNode;
}) {
  return (
    <details className="group border-line border-t pt-3">
      <summary className="flex flex-wrap items-baseline gap-x-3">
        <span className="font-strong">{props.title}</span>
        <span className="min-w-0 flex-1 text-label text-muted group-open:invisible">
          {props.text.filter(Boolean).join(', ')}
        </span>
        <span className="text-accent text-label group-open:hidden">change</span>
      </summary>
      <div className="flex flex-col gap-3 pt-3">{props.children}</div>
    </details>
  );
}

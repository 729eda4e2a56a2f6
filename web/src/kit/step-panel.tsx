import { useQuery } from '@tanstack/react-query';
import type { StepRun } from '../../../src/lifecycle/pipelines/contract.ts';
import { stepRunQuery } from '../api/queries.ts';
import { Facts } from './facts.tsx';
import { formatDuration } from './format.ts';
import { JsonView } from './json-view.tsx';
import { QueryView } from './panel.tsx';
import { SidePanel } from './side-panel.tsx';
import { Id } from './snippet.tsx';
import { StateLabel } from './state-mark.tsx';
import { StepLogView } from './step-log.tsx';
import { stateOfStep, stepWord } from './step-text.ts';
import { Ago } from './time.tsx';
import { sentence } from './turn-text.ts';

/** One step run: what went in, what came out, how long it took, what it said. */
export function StepPanel(props: { readonly id: string; readonly onClose: () => void }) {
  const step = useQuery(stepRunQuery(props.id));
  return (
    <SidePanel
      title={step.data ? `${sentence(stepWord(step.data.kind))} for ${step.data.subject}` : 'Step'}
      label="Step"
      onClose={props.onClose}
    >
      <QueryView query={step} rows={6}>
        {(run) => <StepBody run={run} />}
      </QueryView>
    </SidePanel>
  );
}

function StepBody(props: { readonly run: StepRun }) {
  const { run } = props;
  return (
    <div className="flex flex-col gap-5">
      <Facts
        facts={[
          [
            'State',
            <StateLabel key="state" state={stateOfStep(run.status)}>
              {run.status}
            </StateLabel>,
          ],
          ['Duration', formatDuration(run.durationMs)],
          ['Started', <Ago key="started" at={run.startedAt} />],
          ['Ran in', run.place === 'work' ? 'a worker' : 'control'],
          run.attempts > 1 && ['Attempts', `${run.attempts}; begun again after a crash or a passing fault`],
          ['Id', <Id key="id" id={run.id} />],
        ]}
      />
      {run.error && (
        <div className="flex flex-col gap-1 rounded-control bg-bad-quiet px-3 py-2" role="alert">
          <p className="font-strong">{run.error.message}</p>
          <p className="text-muted">{run.error.next}</p>
        </div>
      )}
      <StepLogView key={run.id} id={run.id} running={run.status === 'running'} />
      <section className="flex flex-col gap-1.5">
        <h3 className="font-strong">Inputs</h3>
        <JsonView value={run.inputs} label="Inputs" />
      </section>
      {run.outputs && (
        <section className="flex flex-col gap-1.5">
          <h3 className="font-strong">Outputs</h3>
          <JsonView value={run.outputs} label="Outputs" />
        </section>
      )}
    </div>
  );
}

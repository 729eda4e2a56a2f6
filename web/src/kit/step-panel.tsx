import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import type { StepRun } from '../../../src/lifecycle/pipelines/contract.ts';
import { stepLogsQuery, stepRunQuery } from '../api/queries.ts';
import { EmptyLine } from './empty.tsx';
import { Facts } from './facts.tsx';
import { formatDuration } from './format.ts';
import { JsonView } from './json-view.tsx';
import { QueryView } from './panel.tsx';
import { Scroll } from './scroll.tsx';
import { SidePanel } from './side-panel.tsx';
import { Id } from './snippet.tsx';
import { StateLabel } from './state-mark.tsx';
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
      <StepLog id={run.id} running={run.status === 'running'} />
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

/** The log, followed while the step runs unless the reader has scrolled up. */
function StepLog(props: { readonly id: string; readonly running: boolean }) {
  const logs = useQuery({ ...stepLogsQuery(props.id), refetchInterval: props.running ? 1500 : false });
  const box = useRef<HTMLElement>(null);
  const lines = logs.data?.items;
  useEffect(() => {
    const element = box.current;
    // New lines are what scrolls the log down.
    if (!element || !lines) return;
    const near = element.scrollHeight - element.scrollTop - element.clientHeight < 80;
    if (near || element.scrollTop === 0) element.scrollTop = element.scrollHeight;
  }, [lines]);
  return (
    <section className="flex flex-col gap-1.5">
      <h3 className="font-strong">Log</h3>
      <QueryView
        query={logs}
        isEmpty={(page) => page.items.length === 0}
        empty={<EmptyLine>This step wrote no line.</EmptyLine>}
      >
        {(page) => (
          <Scroll
            ref={box}
            label="Log"
            className="max-h-80 rounded-control border border-line bg-sunken px-3 py-2 font-mono text-label leading-5"
          >
            {page.items.map((line) => (
              <div key={line.number} className="whitespace-pre-wrap break-words">
                {line.text}
              </div>
            ))}
          </Scroll>
        )}
      </QueryView>
    </section>
  );
}

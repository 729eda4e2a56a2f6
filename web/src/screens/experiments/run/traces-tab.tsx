import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import type {
  Trace,
  TraceDetail,
  TraceSpan,
} from '../../../../../src/lifecycle/experiments/traces/contract.ts';
import { traceQuery, tracesOfRunQuery } from '../../../api/tracking.ts';
import type { State } from '../../../charts/prepare/wheel.ts';
import { Button } from '../../../kit/button.tsx';
import { Empty } from '../../../kit/empty.tsx';
import { Facts } from '../../../kit/facts.tsx';
import { formatDuration } from '../../../kit/format.ts';
import { Grid, type GridColumn } from '../../../kit/grid.tsx';
import { JsonTree } from '../../../kit/json-tree.tsx';
import { Card, QueryView } from '../../../kit/panel.tsx';
import { SidePanel } from '../../../kit/side-panel.tsx';
import { Id } from '../../../kit/snippet.tsx';
import { StateMark } from '../../../kit/state-mark.tsx';
import { Ago } from '../../../kit/time.tsx';
import { useRows } from '../../../kit/use-rows.ts';

const route = getRouteApi('/runs/$runId');

const STATES: Readonly<Record<Trace['state'], State>> = {
  OK: 'good',
  ERROR: 'bad',
  IN_PROGRESS: 'running',
  STATE_UNSPECIFIED: 'none',
};
const stateWord = (state: Trace['state']): string => state.toLowerCase().replace('_', ' ');

/** Traces that were made while the run went on, and the spans of the one that is open. */
export function TracesTab(props: { readonly run: RunDetail }) {
  const { run } = props;
  const { trace } = route.useSearch();
  const navigate = useNavigate({ from: '/runs/$runId' });
  const traces = useInfiniteQuery(tracesOfRunQuery(run.experimentId, run.id));
  const { rows, more } = useRows(traces);
  const open = (id: string | undefined): void =>
    void navigate({
      search: { tab: 'traces', ...(id ? { trace: id } : {}) },
      replace: true,
      resetScroll: false,
    });
  return (
    <>
      <QueryView
        query={traces}
        rows={6}
        isEmpty={() => rows.length === 0}
        empty={
          <Empty title="No traces" type={'@mlflow.trace\ndef answer(question): ...'}>
            Functions that are traced while the run goes on appear here with their spans:
          </Empty>
        }
      >
        {() => (
          <Card flush className="overflow-clip">
            <Grid
              label="Traces"
              rows={rows}
              columns={COLUMNS}
              rowKey={(row) => row.id}
              openKey={trace ?? null}
              onOpen={(row) => open(row.id)}
              onEnd={more}
            />
          </Card>
        )}
      </QueryView>
      {trace !== undefined && <TracePanel id={trace} onClose={() => open(undefined)} />}
    </>
  );
}

const COLUMNS: readonly GridColumn<Trace>[] = [
  {
    id: 'name',
    head: 'Trace',
    width: 'minmax(140px, 1fr)',
    cell: (row) => (
      <span className="flex items-center gap-2">
        <StateMark state={STATES[row.state]} label={stateWord(row.state)} />
        <span className="truncate">{row.name ?? row.id}</span>
      </span>
    ),
  },
  {
    id: 'request',
    head: 'Asked',
    width: 'minmax(120px, 2fr)',
    wideOnly: true,
    cell: (row) => (
      <span className="text-muted" data-tip={row.requestPreview?.slice(0, 400)}>
        {row.requestPreview}
      </span>
    ),
  },
  {
    id: 'response',
    head: 'Answered',
    width: 'minmax(120px, 2fr)',
    wideOnly: true,
    cell: (row) => (
      <span className="text-muted" data-tip={row.responsePreview?.slice(0, 400)}>
        {row.responsePreview}
      </span>
    ),
  },
  { id: 'took', head: 'Took', width: '96px', align: 'right', cell: (row) => formatDuration(row.durationMs) },
  {
    id: 'at',
    head: 'When',
    width: '96px',
    align: 'right',
    cell: (row) => <Ago at={row.startTime} className="text-muted" />,
  },
];

function TracePanel(props: { readonly id: string; readonly onClose: () => void }) {
  const trace = useQuery(traceQuery(props.id));
  return (
    <SidePanel title={trace.data?.name ?? 'Trace'} label="Trace" onClose={props.onClose}>
      <QueryView query={trace} rows={8}>
        {(data) => <Spans trace={data} />}
      </QueryView>
    </SidePanel>
  );
}

function Spans(props: { readonly trace: TraceDetail }) {
  const { trace } = props;
  const [chosen, setChosen] = useState(trace.spans[0]?.id ?? null);
  const [shown, setShown] = useState(300);
  const wholeMs = Math.max(
    1e-6,
    trace.durationMs ?? 0,
    ...trace.spans.slice(0, 5000).map((span) => span.offsetMs + (span.durationMs ?? 0)),
  );
  const span = trace.spans.find((each) => each.id === chosen);
  return (
    <div className="flex flex-col gap-4">
      <Facts
        facts={[
          ['State', stateWord(trace.state)],
          ['Took', formatDuration(trace.durationMs)],
          ['When', <Ago key="at" at={trace.startTime} />],
          ['Id', <Id key="id" id={trace.id} text={trace.id.slice(0, 16)} />],
          trace.user !== null && ['User', trace.user],
          trace.session !== null && ['Session', trace.session],
          !trace.isComplete && ['Spans', 'some have not come yet'],
        ]}
      />
      <ol aria-label="Spans" className="flex flex-col">
        {trace.spans.slice(0, shown).map((each) => (
          <li key={each.id}>
            <SpanRow
              span={each}
              wholeMs={wholeMs}
              chosen={each.id === chosen}
              onChoose={() => setChosen(each.id)}
            />
          </li>
        ))}
      </ol>
      {trace.spans.length > shown && (
        <div>
          <Button onClick={() => setShown(shown + 1000)}>{trace.spans.length - shown} more spans</Button>
        </div>
      )}
      {span && <SpanDetail span={span} />}
    </div>
  );
}

function SpanRow(props: {
  readonly span: TraceSpan;
  readonly wholeMs: number;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}) {
  const { span, wholeMs, chosen, onChoose } = props;
  const percent = (ms: number): string => `${Math.min(100, (100 * ms) / wholeMs)}%`;
  return (
    <button
      type="button"
      aria-pressed={chosen}
      onClick={onChoose}
      className="grid min-h-7 w-full grid-cols-[minmax(0,3fr)_minmax(60px,2fr)_64px] items-center gap-2 rounded-control px-1 text-left hover:bg-sunken aria-pressed:bg-accent-quiet"
    >
      <span
        className="flex min-w-0 items-center gap-1.5"
        style={{ paddingLeft: Math.min(10, span.depth) * 12 }}
      >
        {span.status === 'ERROR' && <StateMark state="bad" size={8} label="failed" />}
        <span className="truncate" data-tip={span.type ? `${span.name}\n${span.type}` : span.name}>
          {span.name}
        </span>
      </span>
      <span className="relative h-2 rounded-full bg-sunken">
        <span
          className={`absolute inset-y-0 min-w-0.5 rounded-full ${span.status === 'ERROR' ? 'bg-bad' : 'bg-accent'}`}
          style={{ left: percent(span.offsetMs), width: percent(span.durationMs ?? 0) }}
        />
      </span>
      <span className="text-right text-label text-muted">{formatDuration(span.durationMs)}</span>
    </button>
  );
}

function SpanDetail(props: { readonly span: TraceSpan }) {
  const { span } = props;
  const parts: readonly (readonly [string, unknown])[] = [
    ['Inputs', span.inputs],
    ['Outputs', span.outputs],
    ['Attributes', Object.keys(span.attributes).length > 0 ? span.attributes : null],
    ['Events', span.events.length > 0 ? span.events : null],
  ];
  return (
    <section className="flex flex-col gap-3 border-line border-t pt-3">
      <h3 className="break-words font-strong">
        {span.name}{' '}
        {span.type && span.type !== 'UNKNOWN' && (
          <span className="font-normal text-muted">{span.type.toLowerCase()}</span>
        )}
      </h3>
      {span.statusMessage && <p className="break-words text-bad">{span.statusMessage}</p>}
      {parts.map(
        ([title, value]) =>
          value !== null &&
          value !== undefined && (
            <div key={title}>
              <h4 className="text-label text-muted">{title}</h4>
              <JsonTree value={value} label={`${title} of ${span.name}`} className="max-h-72" />
            </div>
          ),
      )}
    </section>
  );
}

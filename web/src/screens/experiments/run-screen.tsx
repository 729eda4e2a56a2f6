import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import type { RunDetail } from '../../../../src/lifecycle/experiments/contract.ts';
import { metricHistoryQuery, runQuery } from '../../api/queries.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { Facts } from '../../kit/facts.tsx';
import { formatCount, formatDuration } from '../../kit/format.ts';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView, Skeleton } from '../../kit/panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { Artifacts } from './artifacts.tsx';
import { ModelFiles } from './model-files.tsx';
import { metricNumber, runWord, stateOfRun } from './run-text.ts';

const route = getRouteApi('/runs/$runId');
const MetricChart = lazy(() =>
  import('../../charts/draw/metric-chart.tsx').then((module) => ({ default: module.MetricChart })),
);
const CHARTS_UP_TO = 12;

/** What happened in this run, with what data, code and result? */
export function RunScreen() {
  const { runId } = route.useParams();
  const run = useQuery(runQuery(runId));
  return (
    <Page>
      <QueryView query={run} rows={10}>
        {(data) => <RunBody run={data} />}
      </QueryView>
    </Page>
  );
}

function RunBody(props: { readonly run: RunDetail }) {
  const { run } = props;
  const metrics = Object.values(run.metrics).toSorted((a, b) => a.key.localeCompare(b.key));
  const curves = metrics.filter((metric) => metric.count > 1);
  const params = Object.entries(run.params).toSorted(([a], [b]) => a.localeCompare(b));
  const tags = Object.entries(run.tags).filter(([key]) => !/^(mlflow|millrace)\./.test(key));
  const source = run.tags['mlflow.source.name'];
  const commit = run.tags['mlflow.source.git.commit'];
  return (
    <>
      <PageHead
        title={
          <span className="flex flex-wrap items-baseline gap-x-3">
            {run.name}
            <span className="font-normal text-body">
              <StateLabel state={stateOfRun(run.status)}>{runWord(run.status)}</StateLabel>
            </span>
          </span>
        }
        sentence={
          <>
            In {run.experimentName}, by {run.user}, <Ago at={run.startTime} />
            {run.durationMs !== null && `, took ${formatDuration(run.durationMs)}`}
          </>
        }
      />
      <div className="grid gap-4 lg:grid-cols-[3fr_2fr]">
        <div className="flex min-w-0 flex-col gap-4">
          <Card title="Metrics" note={metrics.length > 0 ? 'last value of each' : undefined}>
            {metrics.length === 0 ? (
              <EmptyLine>This run logged no metric.</EmptyLine>
            ) : (
              <dl className="grid grid-cols-[repeat(auto-fill,minmax(150px,1fr))] gap-x-6 gap-y-3">
                {metrics.map((metric) => (
                  <div key={metric.key} className="flex min-w-0 flex-col">
                    <dt className="truncate text-label text-muted" title={metric.key}>
                      {metric.key}
                    </dt>
                    <dd
                      className="text-section"
                      data-tip={
                        metric.count > 1
                          ? `smallest ${metricNumber(metric.min ?? 'NaN')}, greatest ${metricNumber(metric.max ?? 'NaN')}, ${formatCount(metric.count)} points`
                          : undefined
                      }
                    >
                      {metricNumber(metric.last)}
                    </dd>
                  </div>
                ))}
              </dl>
            )}
          </Card>
          {curves.length > 0 && (
            <Card
              title="Over the run"
              note={curves.length > CHARTS_UP_TO ? `${CHARTS_UP_TO} of ${curves.length} metrics` : undefined}
            >
              <div className="grid gap-x-6 gap-y-4 md:grid-cols-2">
                {curves.slice(0, CHARTS_UP_TO).map((metric) => (
                  <Curve key={metric.key} runId={run.id} metricKey={metric.key} />
                ))}
              </div>
            </Card>
          )}
          {run.models.map((model) => (
            <ModelFiles key={model.id} model={model} />
          ))}
          <Artifacts runId={run.id} />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <Card title="Params">
            {params.length === 0 ? (
              <EmptyLine>No params.</EmptyLine>
            ) : (
              <Facts
                facts={params.map(
                  ([key, value]) =>
                    [
                      key,
                      <span key={key} className="font-mono text-label">
                        {value}
                      </span>,
                    ] as const,
                )}
              />
            )}
          </Card>
          <Card title="Data and code">
            <Facts
              facts={[
                ...run.inputs.map(
                  (input) =>
                    [
                      input.tags['mlflow.data.context'] ?? 'data',
                      <span key={input.digest}>
                        {input.name} <Id id={input.digest} text={input.digest.slice(0, 10)} />
                      </span>,
                    ] as const,
                ),
                source && ['Script', source],
                commit && ['Commit', <Id key="commit" id={commit} text={commit.slice(0, 10)} />],
                run.stepRunId !== null && [
                  'Started by',
                  <Link key="step" to="/steps" search={{ step: run.stepRunId }} className="text-accent">
                    a step of the loop
                  </Link>,
                ],
                ['Run id', <Id key="id" id={run.id} text={run.id.slice(0, 12)} />],
              ]}
            />
          </Card>
          {tags.length > 0 && (
            <Card title="Tags">
              <Facts facts={tags.map(([key, value]) => [key, value] as const)} />
            </Card>
          )}
        </div>
      </div>
    </>
  );
}

function Curve(props: { readonly runId: string; readonly metricKey: string }) {
  const history = useQuery(metricHistoryQuery(props.runId, props.metricKey));
  return (
    <figure className="min-w-0">
      <h3 className="pb-1">{props.metricKey}</h3>
      <QueryView query={history}>
        {(data) => (
          <Suspense fallback={<Skeleton />}>
            <MetricChart history={data} />
          </Suspense>
        )}
      </QueryView>
    </figure>
  );
}

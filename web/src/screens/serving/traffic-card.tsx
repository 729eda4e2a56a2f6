import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { FeedbackSummary } from '../../../../src/lifecycle/feedback/contract.ts';
import type { MonitorWindowSummary } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import type { TurnSummary } from '../../../../src/loop/contract.ts';
import {
  alertsQuery,
  feedbackQuery,
  monitorsQuery,
  recentPredictionsQuery,
  windowsQuery,
} from '../../api/queries.ts';
import { MarkLegend } from '../../charts/draw/frame.tsx';
import { HoverGroup } from '../../charts/draw/hover.tsx';
import { TimeChart } from '../../charts/draw/time-chart.tsx';
import { TrafficChart } from '../../charts/draw/traffic-chart.tsx';
import { marksOf, roleSeries, TRAFFIC_PARTS, trafficWindows } from '../../charts/prepare/loop-history.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { latelyText } from '../../kit/endpoints/endpoint-standing.ts';
import { Figures } from '../../kit/facts.tsx';
import { formatCount, formatDuration, plural } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { Ago } from '../../kit/time.tsx';
import { WatchEndpoint } from '../../kit/watch-endpoint.tsx';
import { recentAnswers } from './recent-answers.ts';

type TrafficProps = { readonly endpoint: Endpoint; readonly turns: readonly TurnSummary[] };

/** What the endpoint was asked and how it did: counts, the newest answers, and each closed window of event time. */
export function TrafficCard(props: TrafficProps) {
  const { endpoint, turns } = props;
  const windows = useQuery(windowsQuery(endpoint.name));
  const feedback = useQuery(feedbackQuery(endpoint.name));
  const monitors = useQuery(monitorsQuery());
  const isWatched = monitors.data?.items.some((each) => each.endpoint === endpoint.name);
  const asked = (feedback.data?.total.predictions ?? 0) > 0;
  return (
    <QueryCard title="Traffic and health" query={windows} rows={5}>
      {({ items }) => (
        <div className="flex flex-col gap-4">
          {feedback.data && asked && <LogFigures total={feedback.data.total} lately={endpoint.lately} />}
          {asked && <NewestAnswers endpoint={endpoint.name} />}
          {items.length > 0 && <Charts endpoint={endpoint} turns={turns} windows={items} />}
          {items.length === 0 && asked && isWatched === false && <WatchEndpoint endpoint={endpoint.name} />}
          {items.length === 0 && feedback.data && !(asked && isWatched === false) && (
            <EmptyLine>
              {asked
                ? 'Charts over time begin when the first window of event time closes.'
                : 'Nobody has asked yet. “Ask it” below shows how; answers are counted here some seconds after they are given.'}
            </EmptyLine>
          )}
        </div>
      )}
    </QueryCard>
  );
}

function LogFigures(props: {
  readonly total: FeedbackSummary['total'];
  readonly lately: Endpoint['lately'];
}) {
  const { total, lately } = props;
  return (
    <Figures
      figures={[
        ...(lately ? ([['Last 5 minutes', latelyText(lately), 'lately']] as const) : []),
        ['Predictions in all', formatCount(total.predictions), 'predictions'],
        ['Failed', formatCount(total.failed - total.refused), 'failed'],
        ['Refused for what was sent', formatCount(total.refused), 'refused'],
        ['Joined with a label', formatCount(total.joined), 'joined'],
        ['Waiting for one', formatCount(total.waiting), 'waiting'],
        ['Labels sent twice', formatCount(total.duplicateLabels), 'duplicates'],
        ['Labels without a prediction', formatCount(total.orphans), 'orphans'],
      ]}
    />
  );
}

/** How long the newest answers took, and the first piece of those that came in pieces. */
function NewestAnswers(props: { readonly endpoint: string }) {
  const recent = useQuery(recentPredictionsQuery(props.endpoint));
  const answers = useMemo(() => recentAnswers(recent.data?.items ?? []), [recent.data]);
  const { latencyMs, firstPieceMs } = answers;
  if (answers.answered === 0) return null;
  const spread = ({ median, p99 }: NonNullable<typeof latencyMs>) => (
    <>
      {formatDuration(median)}{' '}
      <span className="text-body text-muted">median, {formatDuration(p99)} at most for 99 of 100</span>
    </>
  );
  return (
    <section className="flex flex-col gap-1.5" aria-label="The newest answers">
      <h3 className="font-strong">
        The newest {plural(answers.answered, 'answer')}{' '}
        <Link
          to="/predictions"
          search={{ endpoint: props.endpoint }}
          className="font-normal text-accent text-label"
        >
          what they said
        </Link>
        {answers.lastAt && (
          <span className="font-normal text-label text-muted">
            , the last given <Ago at={answers.lastAt} />
          </span>
        )}
      </h3>
      <Figures
        figures={[
          ...(firstPieceMs ? ([['First piece after', spread(firstPieceMs), 'first']] as const) : []),
          ...(latencyMs
            ? ([
                [firstPieceMs ? 'Whole answer after' : 'Answered after', spread(latencyMs), 'latency'],
              ] as const)
            : []),
          ...(answers.inPieces > 0
            ? ([
                [
                  'Came in pieces',
                  `${formatCount(answers.inPieces)} of ${formatCount(answers.answered)}`,
                  'pieces',
                ],
              ] as const)
            : []),
          ['Failed', formatCount(answers.failed), 'failed'],
          ...(answers.refused > 0
            ? ([['Refused for what was sent', formatCount(answers.refused), 'refused']] as const)
            : []),
        ]}
      />
    </section>
  );
}

function Charts(props: TrafficProps & { readonly windows: readonly MonitorWindowSummary[] }) {
  const { endpoint, turns, windows } = props;
  const alerts = useQuery(alertsQuery(endpoint.name));
  const marks = useMemo(() => marksOf(turns, alerts.data?.items ?? []), [turns, alerts.data]);
  const traffic = useMemo(() => trafficWindows(windows, turns), [windows, turns]);
  const errors = useMemo(
    () =>
      roleSeries(windows, turns, (window) => ({
        value: window.health.errorRatio.value * 100,
        low: percent(window.health.errorRatio.low),
        high: percent(window.health.errorRatio.high),
        of: `${formatCount(window.health.failed)} of ${formatCount(window.health.requests - window.health.refused)}`,
      })),
    [windows, turns],
  );
  const latency = useMemo(
    () =>
      roleSeries(windows, turns, (window) => ({
        value: window.health.latencyMs?.p99 ?? null,
        of: `median ${window.health.latencyMs?.p50.toFixed(2) ?? '–'} ms`,
      })),
    [windows, turns],
  );
  return (
    <HoverGroup>
      <TrafficChart title="Requests per window" windows={traffic} parts={TRAFFIC_PARTS} marks={marks} />
      <div className="grid gap-x-8 gap-y-4 lg:grid-cols-2">
        <TimeChart
          title="Errors, % of requests"
          series={errors}
          marks={marks}
          fromZero
          height={150}
          empty="No request yet."
          atLeast={1}
        />
        <TimeChart
          title="Latency p99, ms"
          series={latency}
          marks={marks}
          fromZero
          height={150}
          empty="No latency yet."
        />
      </div>
      <MarkLegend kinds={marks.map((mark) => mark.kind)} />
    </HoverGroup>
  );
}

const percent = (ratio: number | null): number | null => (ratio === null ? null : ratio * 100);

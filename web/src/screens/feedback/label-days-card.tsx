import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { LabelsByDay } from '../../../../src/lifecycle/feedback/contract.ts';
import { labelsByDayQuery } from '../../api/queries.ts';
import { HoverGroup } from '../../charts/draw/hover.tsx';
import { TimeChart } from '../../charts/draw/time-chart.tsx';
import { TrafficChart } from '../../charts/draw/traffic-chart.tsx';
import { prepareLabelDays } from '../../charts/prepare/label-days.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatNumber } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';

const DAYS = 90;
const AGAIN_MS = 12_000;
const PARTS = [
  { id: 'labelled', label: 'with label', colour: 'var(--champion)' },
  { id: 'missing', label: 'without label (yet)', colour: 'var(--watch)' },
] as const;
const UNIT_WORD = { h: 'hours', d: 'days' } as const;

/** How the truth came in, day by day of the predictions: how many have it, and how late it was. */
export function LabelDaysCard(props: { readonly endpoint: string }) {
  // The server measures them at most every ten seconds: what an event asked for may have been an older answer.
  const days = useQuery({ ...labelsByDayQuery(props.endpoint, DAYS), refetchInterval: AGAIN_MS });
  return (
    <QueryCard
      title="Labels by day"
      note={`of the predictions of a day, UTC; the last ${DAYS} days with traffic`}
      className="lg:col-span-2"
      query={days}
      rows={6}
      isEmpty={(data) => data.days.length === 0}
      empty={<EmptyLine>No day has a prediction yet.</EmptyLine>}
    >
      {(data) => <Charts days={data.days} />}
    </QueryCard>
  );
}

function Charts(props: { readonly days: LabelsByDay['days'] }) {
  const { counts, half, most, unit } = useMemo(() => prepareLabelDays(props.days), [props.days]);
  const series = useMemo(
    () => [
      { id: 'half', label: 'half within', colour: 'var(--champion)', points: half },
      { id: 'most', label: '95\u202f% within', colour: 'var(--muted)', dash: '5 3', points: most },
    ],
    [half, most],
  );
  return (
    <HoverGroup>
      <div className="grid gap-x-8 gap-y-4 lg:grid-cols-2">
        <TrafficChart title="Predictions" windows={counts} parts={PARTS} height={190} />
        <TimeChart
          title={`Delay of the labels, ${UNIT_WORD[unit]}`}
          series={series}
          fromZero
          format={(value) => formatNumber(value, 1)}
          empty="No prediction has its label yet."
        />
      </div>
    </HoverGroup>
  );
}

import { type ReactNode, useMemo, useState } from 'react';
import type {
  Comparison,
  EvaluationReport,
  Estimate as Measured,
  MetricName,
} from '../../../../src/lifecycle/evaluation/contract.ts';
import { IntervalDot } from '../../charts/draw/interval-dot.tsx';
import { prepareIntervalScale } from '../../charts/prepare/interval-scale.ts';
import { Select } from '../../kit/fields.tsx';
import { formatCount, plural } from '../../kit/format.ts';
import { metricText } from '../../kit/metric.ts';
import { Difference, type Direction, Estimate } from '../../kit/number.tsx';
import { Card } from '../../kit/panel.tsx';
import { Table, type TableColumn } from '../../kit/table.tsx';

const known = (measured: Measured | undefined): boolean => measured !== undefined && measured.value !== null;
const rowsText = (measured: Measured): string => `on ${plural(measured.n, 'row')}`;

/** Every metric of the candidate, its difference to the champion, and the dummy model that it must beat. */
export function ComparisonTable(props: { readonly comparison: Comparison; readonly version: number }) {
  const { comparison } = props;
  const names = (Object.keys(comparison.candidate) as MetricName[]).filter((name) =>
    known(comparison.candidate[name]),
  );
  const { champion, candidateMinusChampion: against } = comparison;
  const columns: readonly TableColumn<MetricName>[] = [
    { id: 'metric', head: 'Metric', cell: (name) => <MetricTitle name={name} /> },
    { id: 'own', head: `v${props.version}`, cell: (name) => <Figure {...comparison.candidate[name]} /> },
    ...(champion ? [{ id: 'champion', head: 'Champion', muted: true, cell: figureOf(champion) }] : []),
    ...(against
      ? [
          {
            id: 'difference',
            head: 'Difference',
            cell: (name: MetricName) => (
              <Changed difference={against[name]} better={metricText(name).better} />
            ),
          },
        ]
      : []),
    {
      id: 'dummy',
      head: 'Dummy',
      headTip: 'A model that answers the base rate to every row',
      muted: true,
      cell: figureOf(comparison.dummy),
    },
  ];
  return <Table flush label="Metrics" rows={names} columns={columns} rowKey={(name) => name} />;
}

function MetricTitle(props: { readonly name: MetricName }) {
  const { title, better } = metricText(props.name);
  return (
    <span>
      {title}{' '}
      <span className="text-faint" data-tip={better === 'higher' ? 'Higher is better' : 'Lower is better'}>
        {better === 'higher' ? '↑' : '↓'}
      </span>
    </span>
  );
}

const Figure = (measured: Measured) => (
  <Estimate value={measured.value} low={measured.low} high={measured.high} of={rowsText(measured)} />
);

function figureOf(measured: Readonly<Record<MetricName, Measured>>) {
  return (name: MetricName): ReactNode => <Figure {...measured[name]} />;
}

function Changed(props: { readonly difference: Measured | undefined; readonly better: Direction }) {
  const { difference, better } = props;
  if (!difference || difference.value === null) return <span className="text-faint">–</span>;
  const { value, low, high } = difference;
  return <Difference {...{ value, low, high, better }} of={rowsText(difference)} />;
}

const SEGMENT_WORD: Readonly<Record<string, string>> = { missing: 'missing', other: 'all others' };
const DOT_WIDTH = 190;
const SHOWN = 24;

/** Where the candidate gains and where it loses: the difference per segment on one scale round zero. */
export function SegmentTable(props: { readonly report: EvaluationReport }) {
  const { segments, overall } = props.report;
  const withChampion = overall.candidateMinusChampion !== null;
  const [metric, setMetric] = useState<MetricName>('logLoss');
  const { better, title } = metricText(metric);
  const rows = useMemo(() => {
    const pick = (comparison: Comparison): Measured | undefined =>
      (withChampion ? comparison.candidateMinusChampion : comparison.candidateMinusDummy)?.[metric];
    return segments
      .map((segment) => ({
        segment,
        difference: pick(segment.comparison),
        own: segment.comparison.candidate[metric],
      }))
      .toSorted((a, b) => b.segment.comparison.rows - a.segment.comparison.rows);
  }, [segments, metric, withChampion]);
  const scale = useMemo(
    () =>
      prepareIntervalScale(
        rows.flatMap((row) => (row.difference ? [row.difference] : [])),
        DOT_WIDTH,
      ),
    [rows],
  );
  const metrics = (Object.keys(overall.candidate) as MetricName[]).filter((name) =>
    known(overall.candidate[name]),
  );
  return (
    <Card
      title="By segment"
      note={`${title} less that of ${withChampion ? 'the champion' : 'the dummy'}; coloured when the interval excludes zero`}
      actions={
        <Select
          label="Metric"
          value={metric}
          options={metrics.map((name) => [name, metricText(name).title] as const)}
          onChange={(value) => value && setMetric(value)}
        />
      }
      flush
      className="overflow-hidden"
    >
      <Table
        flush
        label="Segments"
        rows={rows.slice(0, SHOWN)}
        rowKey={({ segment }) => `${segment.column}${segment.kind}${segment.value}`}
        columns={[
          {
            id: 'segment',
            head: 'Segment',
            cell: ({ segment }) => (
              <span>
                <span className="text-muted">{segment.column} </span>
                {SEGMENT_WORD[segment.kind] ?? segment.value}
              </span>
            ),
          },
          {
            id: 'rows',
            head: 'Rows',
            muted: true,
            cell: ({ segment }) => formatCount(segment.comparison.rows),
          },
          { id: 'own', head: title, cell: ({ own }) => own && <Figure {...own} /> },
          {
            id: 'difference',
            head: 'Difference',
            cell: ({ difference }) => <Changed difference={difference} better={better} />,
          },
          {
            id: 'picture',
            head: better === 'higher' ? 'worse ← → better' : 'better ← → worse',
            className: 'w-52',
            wideOnly: true,
            cell: ({ difference }) =>
              difference && (
                <IntervalDot
                  row={difference}
                  scale={scale}
                  width={DOT_WIDTH}
                  goodWhen={better === 'higher' ? 'positive' : 'negative'}
                />
              ),
          },
        ]}
      />
      {rows.length > SHOWN && (
        <p className="border-line border-t px-4 py-2 text-label text-muted">
          The {SHOWN} largest of {rows.length} segments.
        </p>
      )}
    </Card>
  );
}

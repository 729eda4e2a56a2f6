import { useQueries, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { historyQuery, quoted, runsByIdQuery } from '../../../api/tracking.ts';
import { type CurveReading, LineChart, xText } from '../../../charts/draw/line-chart.tsx';
import { prepareCurves } from '../../../charts/prepare/curves.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { formatNumber, plural } from '../../../kit/format.ts';
import { Card, ProblemNote, Skeleton } from '../../../kit/panel.tsx';
import { Scroll } from '../../../kit/scroll.tsx';
import { useStable } from '../../../kit/use-stable.ts';
import { CurveControls, type CurveSettings } from '../curve-controls.tsx';
import type { CompareSearch } from '../search.ts';
import type { SetCompare } from './compare-screen.tsx';
import { mainMetric } from './defaults.ts';
import { KeyField } from './key-field.tsx';
import { SeriesSwatch } from './run-chips.tsx';
import { useKeys } from './use-keys.ts';

const MOST_CURVES = 120;

/** One metric of all runs over each other. Each curve holds the extremes of all its points. */
export function CurvesView(props: {
  readonly runs: readonly Run[];
  readonly search: CompareSearch;
  readonly set: SetCompare;
}) {
  const { search, set } = props;
  const runs = useMemo(() => props.runs.slice(0, MOST_CURVES), [props.runs]);
  const suggested = useKeys(props.runs, 'metric', '', 40);
  const ids = props.runs.slice(0, 3).map((run) => run.id);
  const fields = ['name', ...suggested.keys.map((each) => `metrics.${quoted(each)}`)].join(',');
  const sample = useQuery({
    ...runsByIdQuery(ids, fields),
    enabled: search.key === undefined && suggested.keys.length > 0,
  });
  // A metric with a history says more than one with a single value.
  const curved = suggested.keys.filter((each) =>
    sample.data?.some((run) => (run.metrics[each]?.count ?? 0) > 1),
  );
  const key =
    search.key ?? (sample.isFetched ? (mainMetric(curved) ?? mainMetric(suggested.keys)) : undefined);
  const [settings, setSettings] = useState<CurveSettings>({ x: 'step', smoothing: 0, logY: false });
  const { x, smoothing, logY } = settings;
  const [focus, setFocus] = useState<string | null>(null);
  const [reading, setReading] = useState<CurveReading | null>(null);
  const buckets = runs.length > 30 ? 120 : 320;
  const histories = useQueries({
    queries: runs.map((run) => ({
      ...historyQuery(run.id, key ?? '', { buckets }),
      enabled: key !== undefined,
      staleTime: 60_000,
    })),
  });
  const loaded = histories.filter((each) => each.data !== undefined).length;
  const answers = useStable(histories.map((each) => each.data));
  const { curves, points } = useMemo(() => {
    const known = runs.flatMap((run, index) => {
      const data = answers[index];
      return data && data.buckets.length > 0 ? [{ run, index, data }] : [];
    });
    return {
      points: known.reduce((sum, each) => sum + each.data.totalCount, 0),
      curves: prepareCurves(
        known.map(({ run, index, data }) => ({
          id: run.id,
          name: run.name,
          place: index,
          buckets: data.buckets,
        })),
        { x, smoothing, logY },
      ),
    };
  }, [runs, answers, x, smoothing, logY]);
  const failed = histories.find((each) => each.isError);
  return (
    <Card
      title={
        <KeyField
          label="Metric"
          kind="metric"
          runs={props.runs}
          value={key ?? ''}
          onChange={(next) => set({ key: next })}
        />
      }
      actions={
        <span className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <CurveControls {...settings} onChange={(change) => setSettings({ ...settings, ...change })} />
        </span>
      }
    >
      {suggested.isEmpty ? (
        <EmptyLine>These runs logged no metric.</EmptyLine>
      ) : failed && loaded === 0 ? (
        <ProblemNote error={failed.error} />
      ) : loaded < runs.length && curves.length === 0 ? (
        <Skeleton rows={6} />
      ) : curves.length === 0 ? (
        <EmptyLine>None of these runs logged this metric.</EmptyLine>
      ) : (
        <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_260px]">
          <div className="min-w-0">
            <LineChart
              curves={curves}
              x={x}
              logY={logY}
              height={380}
              focus={focus}
              onRead={setReading}
              label={`${key} of ${plural(curves.length, 'run')} over ${x}`}
            />
            <p className="text-faint text-label">
              {plural(curves.length, 'run')}, {plural(points, 'point')} in at most {buckets} buckets each
              {loaded < runs.length && `, ${runs.length - loaded} still loading`}
              {props.runs.length > MOST_CURVES && `; the first ${MOST_CURVES} of ${props.runs.length} runs`}
              {curves.length > 12 && '; bands are left out above 12 runs'}
            </p>
          </div>
          <Scroll label="Legend" className="max-h-[400px]">
            <p className="pb-1 text-label text-muted">
              {reading ? `At ${xText(reading.x, x)}` : 'Last value'}
            </p>
            <ul>
              {curves.map((curve, index) => {
                const value = reading ? reading.values[index] : curve.raw.findLast((each) => each !== null);
                return (
                  <li key={curve.id}>
                    <button
                      type="button"
                      aria-pressed={focus === curve.id}
                      onPointerEnter={() => setFocus(curve.id)}
                      onPointerLeave={() => setFocus(null)}
                      onFocus={() => setFocus(curve.id)}
                      onBlur={() => setFocus(null)}
                      className="flex min-h-6 w-full items-center gap-2 rounded-control px-1 text-left hover:bg-sunken"
                    >
                      <SeriesSwatch index={curve.place} />
                      <span
                        className="min-w-0 truncate"
                        data-tip={curve.name.length > 18 ? curve.name : undefined}
                      >
                        {curve.name}
                      </span>
                      <span className="ml-auto text-muted">{formatNumber(value)}</span>
                    </button>
                  </li>
                );
              })}
            </ul>
            {curves.length < loaded && (
              <p className="pt-1 text-label text-muted">{loaded - curves.length} did not log it</p>
            )}
          </Scroll>
        </div>
      )}
    </Card>
  );
}

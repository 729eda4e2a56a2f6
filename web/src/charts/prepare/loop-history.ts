import type { Alert, MonitorWindowSummary } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { TurnSummary } from '../../../../src/loop/contract.ts';
import { plural } from '../../kit/format.ts';
import type { StackedWindow } from './stacked-bars.ts';
import type { TimeMark, TimeSeries, WindowPoint } from './time-chart.ts';

/** What happened to a model in event time: trainings, promotions, refusals, rollbacks, incidents. */
export function marksOf(turns: readonly TurnSummary[], alerts: readonly Alert[]): readonly TimeMark[] {
  const marks: TimeMark[] = [];
  for (const turn of turns) {
    const began = ms(turn.startedEventTime);
    const ended = ms(turn.finishedEventTime);
    const version = turn.challengerVersion === null ? `turn ${turn.number}` : `v${turn.challengerVersion}`;
    // A turn that ended in the moment it began (of event time) is one mark, not two on top of each other.
    if (began !== null && began !== ended)
      marks.push({
        atMs: began,
        kind: 'retraining',
        text: `Turn ${turn.number} began: ${turn.trigger.reason}`,
      });
    if (ended === null) continue;
    if (turn.state === 'promoted')
      marks.push({
        atMs: ended,
        kind: 'promotion',
        label: version,
        text: `${version} promoted: ${turn.reason}`,
      });
    if (turn.state === 'rejected')
      marks.push({ atMs: ended, kind: 'rejection', text: `${version} refused: ${turn.reason}` });
    if (turn.state === 'rolled-back')
      marks.push({ atMs: ended, kind: 'rollback', text: `${version} rolled back: ${turn.reason}` });
  }
  for (const alert of alerts)
    marks.push({ atMs: Date.parse(alert.openedAt), kind: 'incident', text: alert.reason });
  return marks.toSorted((a, b) => a.atMs - b.atMs);
}

const ms = (time: string | null): number | null => (time === null ? null : Date.parse(time));

type Reign = { readonly version: string; readonly fromMs: number };

/** Since when which version was champion, from the promotions; the first one counts from the beginning. */
function reignsOf(turns: readonly TurnSummary[]): readonly Reign[] {
  const promoted = turns
    .filter((turn) => turn.state === 'promoted' && turn.challengerVersion !== null)
    .toSorted((a, b) => a.number - b.number);
  return promoted.map((turn, index) => ({
    version: String(turn.challengerVersion),
    fromMs: index === 0 ? Number.NEGATIVE_INFINITY : (ms(turn.finishedEventTime) ?? Number.NEGATIVE_INFINITY),
  }));
}

/** The champion of a window; without promotions on record, the version that answered most of it. */
function championOf(group: readonly MonitorWindowSummary[], reigns: readonly Reign[]): string | undefined {
  const first = group[0];
  if (!first) return undefined;
  const middle = (Date.parse(first.start) + Date.parse(first.end)) / 2;
  const reign = reigns.findLast((each) => each.fromMs <= middle)?.version;
  if (reign !== undefined && group.some((window) => window.modelVersion === reign)) return reign;
  return group.toSorted((a, b) => b.rows - a.rows)[0]?.modelVersion;
}

/** Windows with the same start belong together, one per version that answered; oldest first. */
export function groupWindows(
  windows: readonly MonitorWindowSummary[],
): readonly (readonly MonitorWindowSummary[])[] {
  const groups = new Map<string, MonitorWindowSummary[]>();
  for (const window of windows) {
    const group = groups.get(window.start);
    if (group) group.push(window);
    else groups.set(window.start, [window]);
  }
  return [...groups.values()].toSorted(
    (a, b) => Date.parse(a[0]?.start ?? '') - Date.parse(b[0]?.start ?? ''),
  );
}

/** The champion's line, whichever version that was, and the challengers' beside it. */
export function roleSeries(
  windows: readonly MonitorWindowSummary[],
  turns: readonly TurnSummary[],
  measure: (window: MonitorWindowSummary) => Omit<WindowPoint, 'startMs' | 'endMs'>,
): readonly TimeSeries[] {
  const reigns = reignsOf(turns);
  const champion: WindowPoint[] = [];
  const challenger: WindowPoint[] = [];
  for (const group of groupWindows(windows)) {
    const reign = championOf(group, reigns);
    for (const window of group) {
      const measured = measure(window);
      const point = {
        ...measured,
        startMs: Date.parse(window.start),
        endMs: Date.parse(window.end),
        of: [`v${window.modelVersion}`, measured.of].filter(Boolean).join(', '),
      };
      if (window.modelVersion === reign) champion.push(point);
      else if (!challenger.some((each) => each.startMs === point.startMs)) challenger.push(point);
    }
  }
  return [
    { id: 'champion', label: 'champion', colour: 'var(--champion)', points: champion },
    ...(challenger.some((point) => point.value !== null)
      ? [
          {
            id: 'challenger',
            label: 'challenger, on its own requests',
            colour: 'var(--challenger)',
            dash: '5 3',
            points: challenger,
          },
        ]
      : []),
  ];
}

/** One quality metric per window with its interval and the labels it rests on. */
export function qualitySeries(
  windows: readonly MonitorWindowSummary[],
  turns: readonly TurnSummary[],
  metric: string,
): readonly TimeSeries[] {
  return roleSeries(windows, turns, (window) => {
    const found = window.performance.metrics.find((each) => each.metric === metric);
    // A value without an interval rests on too little to be drawn.
    const enough = found !== undefined && found.low !== null && found.verdict !== 'insufficient';
    return {
      value: enough ? found.value : null,
      low: found?.low ?? null,
      high: found?.high ?? null,
      mature: window.performance.mature,
      of: plural(window.performance.labelled, 'label'),
    };
  });
}

/** Requests per window by role, for stacked bars. */
export function trafficWindows(
  windows: readonly MonitorWindowSummary[],
  turns: readonly TurnSummary[],
): readonly StackedWindow[] {
  const reigns = reignsOf(turns);
  return groupWindows(windows).map((group) => {
    const reign = championOf(group, reigns);
    const count = (own: boolean): number =>
      group
        .filter((window) => (window.modelVersion === reign) === own)
        .reduce((sum, window) => sum + window.rows, 0);
    return {
      startMs: Date.parse(group[0]?.start ?? ''),
      endMs: Date.parse(group[0]?.end ?? ''),
      parts: [
        { id: 'champion', count: count(true) },
        { id: 'challenger', count: count(false) },
      ],
    };
  });
}

export const TRAFFIC_PARTS = [
  { id: 'champion', label: 'champion', colour: 'var(--champion)' },
  { id: 'challenger', label: 'challenger', colour: 'var(--challenger)' },
] as const;

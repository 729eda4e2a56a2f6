import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import type {
  ColumnDrift,
  MonitorWindow,
  MonitorWindowSummary,
} from '../../../../src/lifecycle/monitoring/contract.ts';
import type { TurnSummary } from '../../../../src/loop/contract.ts';
import { windowQuery } from '../../api/queries.ts';
import { ComparedHistogram, ComparedLegend } from '../../charts/draw/compared-histogram.tsx';
import { prepareBins } from '../../charts/prepare/histogram.ts';
import { groupWindows } from '../../charts/prepare/loop-history.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { Facts } from '../../kit/facts.tsx';
import { Select } from '../../kit/fields.tsx';
import { formatCount, formatNumber, formatPercent, formatStart, plural } from '../../kit/format.ts';
import { QueryCard, QueryView } from '../../kit/panel.tsx';
import { SidePanel } from '../../kit/side-panel.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { humane } from '../../kit/turn-text.ts';
import { orderedDrift, stateOfDrift, whatMoved } from './drift-table.ts';
import type { MonitoringSearch } from './search.ts';

type Set = (change: { readonly [K in keyof MonitoringSearch]?: MonitoringSearch[K] | undefined }) => void;

/** The version of a window; requests that came before any was deployed have none. */
const versionOf = ({ modelVersion }: Pick<MonitorWindowSummary, 'modelVersion'>): string =>
  modelVersion === '' ? 'no version' : `v${modelVersion}`;

/** The newest window of the version that answered most is what the table speaks of unless one is chosen. */
function defaultWindow(windows: readonly MonitorWindowSummary[]): MonitorWindowSummary | undefined {
  return groupWindows(windows)
    .at(-1)
    ?.toSorted((a, b) => b.rows - a.rows)[0];
}

/** Drift of each column in one window, what matters first; a row opens the comparison. */
export function DriftCard(props: {
  readonly windows: readonly MonitorWindowSummary[];
  readonly turns: readonly TurnSummary[];
  readonly search: MonitoringSearch;
  readonly set: Set;
}) {
  const { windows, search, set } = props;
  const id = search.window ?? defaultWindow(windows)?.id;
  const window = useQuery({ ...windowQuery(id ?? ''), enabled: id !== undefined });
  const close = useCallback(() => set({ column: undefined }), [set]);
  const newest = windows.toSorted((a, b) => Date.parse(b.start) - Date.parse(a.start));
  const chosen = window.data?.drift.find((drift) => drift.column === search.column);
  if (id === undefined) return null;
  return (
    <>
      <QueryCard
        title="Drift"
        note={
          window.data?.reference
            ? `against the ${plural(window.data.reference.rows, 'row')} that v${window.data.modelVersion} was trained on`
            : undefined
        }
        actions={
          <Select
            label="Window"
            value={id}
            options={newest
              .slice(0, 200)
              .map(
                (each) =>
                  [
                    each.id,
                    `${formatStart(Date.parse(each.start))}, ${versionOf(each)}${each.driftedColumns.length > 0 ? `: ${each.driftedColumns.length} moved` : ''}`,
                  ] as const,
              )}
            onChange={(value) => set({ window: value })}
          />
        }
        query={window}
        rows={6}
        flush
        className="overflow-hidden"
        isEmpty={(data) => data.drift.length === 0}
        empty={
          <div className="px-4 pb-3">
            <EmptyLine>
              This window had too few rows, or this version has no reference to compare with.
            </EmptyLine>
          </div>
        }
      >
        {(data) => <DriftRows window={data} set={set} chosen={search.column} />}
      </QueryCard>
      {search.column && (
        <SidePanel
          title={`${search.column}, ${window.data ? formatStart(Date.parse(window.data.start)) : ''}`}
          label="Column"
          onClose={close}
        >
          <QueryView query={window}>
            {(data) =>
              chosen ? (
                <ColumnBody drift={chosen} window={data} />
              ) : (
                <EmptyLine>This window has no column of that name.</EmptyLine>
              )
            }
          </QueryView>
        </SidePanel>
      )}
    </>
  );
}

const ROW = 'items-center gap-x-3 px-4 sm:grid-cols-[12px_minmax(150px,0.35fr)_1fr_220px_110px]';

function DriftRows(props: {
  readonly window: MonitorWindow;
  readonly set: Set;
  readonly chosen: string | undefined;
}) {
  const rows = orderedDrift(props.window);
  const reach = Math.max(...rows.map((drift) => (drift.effect ?? 0) / drift.effectThreshold), 2);
  return (
    <>
      <div aria-hidden className={`hidden border-line border-t py-1.5 text-label text-muted sm:grid ${ROW}`}>
        <span />
        <span>Column</span>
        <span>What moved</span>
        <span>Effect; it matters from the line on</span>
        <span className="justify-self-end">Now, reference</span>
      </div>
      <ul>
        {rows.map((drift) => (
          <li key={drift.column}>
            <button
              type="button"
              onClick={() => props.set({ column: drift.column })}
              aria-current={drift.column === props.chosen}
              className={`grid w-full grid-cols-[12px_1fr_110px] border-line border-t py-2 text-left transition-colors hover:bg-sunken aria-current:bg-accent-quiet ${ROW}`}
            >
              <StateMark state={stateOfDrift(drift)} label={drift.verdict} />
              <span className="truncate">
                <span className="font-strong">{drift.column}</span>
                {drift.role === 'score' && <span className="text-muted"> the answer itself</span>}
              </span>
              <span className="hidden min-w-0 truncate text-muted sm:block">
                {whatMoved(drift) || humane(drift.reason.replace(`${drift.column} is `, ''))}
              </span>
              <EffectBar drift={drift} reach={reach} />
              <TinyCompare drift={drift} />
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

const BAR: Readonly<Record<State, string>> = {
  bad: 'bg-bad',
  watch: 'bg-watch',
  good: 'bg-reference',
  none: 'bg-reference',
  running: 'bg-reference',
};

/** Effect on one scale for all columns: the hairline is the threshold that matters. */
function EffectBar(props: { readonly drift: ColumnDrift; readonly reach: number }) {
  const { drift, reach } = props;
  if (drift.effect === null)
    return (
      <span className="hidden text-faint sm:block">
        {drift.verdict === 'no-data' ? 'no data' : 'too few rows'}
      </span>
    );
  const at = (value: number): string => `${Math.min(100, (value / drift.effectThreshold / reach) * 100)}%`;
  return (
    <span
      className="hidden items-center gap-3 sm:flex"
      data-tip={`effect ${formatNumber(drift.effect, 3)}, matters from ${formatNumber(drift.effectThreshold)}\np ${drift.pValue === null ? '–' : formatNumber(drift.pValue)}, after correction ${drift.adjustedPValue === null ? '–' : formatNumber(drift.adjustedPValue)}`}
    >
      <span className="relative h-1.5 w-36 shrink-0 rounded-full bg-sunken">
        <span
          className={`absolute inset-y-0 left-0 rounded-full ${BAR[stateOfDrift(drift)]}`}
          style={{ width: at(drift.effect) }}
        />
        <span className="absolute -inset-y-1 w-px bg-muted" style={{ left: at(drift.effectThreshold) }} />
      </span>
      {formatNumber(drift.effect, 3)}
    </span>
  );
}

/** Reference and current shares at the size of a word. */
function TinyCompare(props: { readonly drift: ColumnDrift }) {
  const bins = prepareBins(props.drift.comparison)
    .filter((bin) => bin.label !== '(other)')
    .slice(0, 24);
  const highest = Math.max(...bins.flatMap((bin) => [bin.referenceRatio, bin.currentRatio]), 1e-9);
  const slot = 108 / Math.max(1, bins.length);
  return (
    <svg width="108" height="24" aria-hidden="true" className="justify-self-end">
      {bins.map((bin, index) => (
        <rect
          key={bin.label}
          x={index * slot}
          width={Math.max(0.5, slot - 0.5)}
          y={24 - (bin.referenceRatio / highest) * 22}
          height={(bin.referenceRatio / highest) * 22}
          fill="var(--reference)"
          opacity="0.7"
        />
      ))}
      <polyline
        points={bins
          .flatMap((bin, index) => [
            `${index * slot},${24 - (bin.currentRatio / highest) * 22}`,
            `${(index + 1) * slot},${24 - (bin.currentRatio / highest) * 22}`,
          ])
          .join(' ')}
        fill="none"
        stroke="var(--current)"
        strokeWidth="1.25"
      />
    </svg>
  );
}

function ColumnBody(props: { readonly drift: ColumnDrift; readonly window: MonitorWindow }) {
  const { drift, window } = props;
  return (
    <div className="flex flex-col gap-5">
      <p className="flex items-baseline gap-2.5 text-lead">
        <StateMark state={stateOfDrift(drift)} label="" />
        <span>{humane(drift.reason)}</span>
      </p>
      <section className="flex flex-col gap-2">
        <ComparedLegend
          reference={`reference, ${plural(drift.referenceRows, 'row')}`}
          current={`current, ${plural(drift.currentRows, 'row')}`}
        />
        <ComparedHistogram counts={drift.comparison} label={drift.column} />
      </section>
      <Facts
        facts={[
          ['Effect', `${formatNumber(drift.effect, 3)}; matters from ${formatNumber(drift.effectThreshold)}`],
          [
            'Measure',
            drift.kind === 'numeric'
              ? 'Wasserstein distance of ranks, noise removed'
              : 'Jensen-Shannon distance, noise removed',
          ],
          [
            'p-value',
            `${formatNumber(drift.pValue)} (${drift.test === 'chi-square' ? 'chi-square' : 'Kolmogorov-Smirnov'}); ${formatNumber(drift.adjustedPValue)} over all columns`,
          ],
          [
            'Missing',
            `${formatPercent(drift.missing.referenceRatio)} → ${formatPercent(drift.missing.currentRatio)}`,
          ],
          drift.newCategories.rows > 0 && [
            'New values',
            `${drift.newCategories.examples.map((each) => `${each.value} (${formatCount(each.count)})`).join(', ')}: ${formatPercent(drift.newCategories.ratio)} of rows`,
          ],
          [
            'Window',
            `${formatStart(Date.parse(window.start))} to ${formatStart(Date.parse(window.end))} UTC, event time; ${versionOf(window)}`,
          ],
        ]}
      />
    </div>
  );
}

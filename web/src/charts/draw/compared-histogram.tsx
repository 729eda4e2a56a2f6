import { useMemo } from 'react';
import { formatPercent, formatSigned } from '../../kit/format.ts';
import {
  type ComparedBin,
  type ComparedCounts,
  prepareBins,
  prepareStepHistogram,
  type SideNames,
} from '../prepare/histogram.ts';
import { useWidth } from './use-width.ts';

const SIDES: SideNames = ['reference', 'current'];

/** Reference (filled) and current (line) of one column, differences beneath; categories as rows of bars. */
export function ComparedHistogram(props: {
  readonly counts: ComparedCounts;
  readonly label: string;
  readonly height?: number;
  readonly names?: SideNames;
}) {
  const { counts, label, height = 200, names = SIDES } = props;
  const [box, width] = useWidth<HTMLDivElement>();
  const bins = useMemo(() => prepareBins(counts), [counts]);
  const drawn = useMemo(
    () => (counts.categories || width === 0 ? null : prepareStepHistogram(bins, width, height, names)),
    [counts, bins, width, height, names],
  );
  return (
    <div ref={box} className="min-w-0">
      {counts.categories && <CategoryRows bins={bins} />}
      {drawn && (
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={`${label}: ${names[0]} against ${names[1]}`}
          className="block"
        >
          <path d={drawn.referenceArea} fill="var(--reference)" opacity="0.75" />
          <line
            x1={drawn.plot.x}
            x2={drawn.plot.x + drawn.plot.width}
            y1={drawn.baseline}
            y2={drawn.baseline}
            stroke="var(--line-strong)"
          />
          <path d={drawn.currentLine} fill="none" stroke="var(--current)" strokeWidth="1.75" />
          <line
            x1={drawn.plot.x}
            x2={drawn.plot.x + drawn.plot.width}
            y1={drawn.stripZero}
            y2={drawn.stripZero}
            stroke="var(--line)"
          />
          {drawn.strip.map((bar) => (
            <rect
              key={bar.x}
              x={bar.x}
              y={bar.y}
              width={bar.width}
              height={bar.height}
              fill={bar.up ? 'var(--current)' : 'var(--faint)'}
              opacity="0.8"
            />
          ))}
          {drawn.slots.map((slot) => (
            <rect
              key={slot.x}
              x={slot.x}
              y="0"
              width={slot.width}
              height={height - 18}
              fill="transparent"
              data-tip={slot.tip}
            />
          ))}
          {drawn.labels.map((text) => (
            <text key={text.x} x={text.x} y={text.y} textAnchor={text.anchor} className="axis-text">
              {text.text}
            </text>
          ))}
        </svg>
      )}
    </div>
  );
}

const SHOWN = 12;

function CategoryRows(props: { readonly bins: ReturnType<typeof prepareBins> }) {
  const rest = (bin: ComparedBin): boolean => bin.label === '(other)';
  const ordered = props.bins.toSorted(
    (a, b) => Number(rest(a)) - Number(rest(b)) || Math.abs(b.difference) - Math.abs(a.difference),
  );
  const highest = Math.max(
    ...props.bins.flatMap((bin) => (rest(bin) ? [] : [bin.referenceRatio, bin.currentRatio])),
    1e-9,
  );
  return (
    <div className="flex flex-col gap-1">
      {ordered.slice(0, SHOWN).map((bin) => (
        <div
          key={bin.label}
          className="grid grid-cols-[minmax(56px,max-content)_1fr_72px] items-center gap-3"
          data-tip={`${bin.label}\nreference ${formatPercent(bin.referenceRatio)}, current ${formatPercent(bin.currentRatio)}`}
        >
          <span className="truncate">{bin.label}</span>
          <svg width="100%" height="14" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">
            <rect
              x="0"
              y="1"
              width={(bin.referenceRatio / highest) * 100}
              height="12"
              fill="var(--reference)"
              opacity="0.75"
            />
            <rect x="0" y="5" width={(bin.currentRatio / highest) * 100} height="4" fill="var(--current)" />
          </svg>
          <span className="text-right text-muted">{formatSigned(bin.difference * 100, 1)} pt</span>
        </div>
      ))}
      {ordered.length > SHOWN && (
        <p className="pt-1 text-label text-muted">
          The {SHOWN} that changed most, of {ordered.length}.
        </p>
      )}
    </div>
  );
}

/** What the fill and the line mean. */
export function ComparedLegend(props: { readonly reference?: string; readonly current?: string }) {
  return (
    <span className="inline-flex items-center gap-4 text-label text-muted">
      <span className="inline-flex items-center gap-1.5">
        <span className="h-2.5 w-4 rounded-[2px] bg-reference" />
        {props.reference ?? 'reference'}
      </span>
      <span className="inline-flex items-center gap-1.5">
        <span className="h-0.5 w-4 bg-champion" />
        {props.current ?? 'current'}
      </span>
    </span>
  );
}

import { formatNumber, formatPercent } from '../../kit/format.ts';

/** Counts of a column on both sides, in the same bins; the wire shape of a monitored column. */
export type ComparedCounts = {
  readonly edges: readonly number[] | null;
  readonly categories: readonly string[] | null;
  readonly reference: readonly number[];
  readonly current: readonly number[];
};

/** What both sides are called. */
export type SideNames = readonly [reference: string, current: string];

export type ComparedBin = {
  readonly label: string;
  readonly referenceRatio: number;
  readonly currentRatio: number;
  readonly difference: number;
};

/** Shares per bin. A side without rows has shares of zero. Outer number bins are open and say so. */
export function prepareBins(counts: ComparedCounts): readonly ComparedBin[] {
  const referenceTotal = sum(counts.reference);
  const currentTotal = sum(counts.current);
  return counts.reference.map((reference, index) => {
    const referenceRatio = referenceTotal === 0 ? 0 : reference / referenceTotal;
    const currentRatio = currentTotal === 0 ? 0 : (counts.current[index] ?? 0) / currentTotal;
    return {
      label: binLabel(counts, index),
      referenceRatio,
      currentRatio,
      difference: currentRatio - referenceRatio,
    };
  });
}

function binLabel(counts: ComparedCounts, index: number): string {
  if (counts.categories) return counts.categories[index] || '(empty)';
  const last = counts.reference.length - 1;
  const from = counts.edges?.[index] ?? Number.NaN;
  const to = counts.edges?.[index + 1] ?? Number.NaN;
  if (index === 0) return `up to ${formatNumber(to)}`;
  if (index === last) return `over ${formatNumber(from)}`;
  return `${formatNumber(from)} to ${formatNumber(to)}`;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Step histogram of both sides in slots of equal width, with the strip of differences beneath. */
export function prepareStepHistogram(
  bins: readonly ComparedBin[],
  width: number,
  height: number,
  [reference, current]: SideNames,
) {
  if (bins.length === 0) return null;
  const strip = 28;
  const plot = { x: 4, y: 6, width: width - 8, height: height - strip - 26 };
  const highest = Math.max(...bins.flatMap((bin) => [bin.referenceRatio, bin.currentRatio]), 1e-9);
  const widest = Math.max(...bins.map((bin) => Math.abs(bin.difference)), 1e-9);
  const slot = plot.width / bins.length;
  const y = (ratio: number): number => plot.y + plot.height * (1 - ratio / highest);
  const steps = (of: (bin: ComparedBin) => number): string =>
    bins
      .map(
        (bin, index) =>
          `${index === 0 ? 'M' : 'L'}${r(plot.x + index * slot)} ${r(y(of(bin)))}H${r(plot.x + (index + 1) * slot)}`,
      )
      .join('');
  const base = plot.y + plot.height;
  return {
    plot,
    referenceArea: `${steps((bin) => bin.referenceRatio)}V${r(base)}H${plot.x}Z`,
    currentLine: steps((bin) => bin.currentRatio),
    baseline: base,
    strip: bins.map((bin, index) => {
      const size = (Math.abs(bin.difference) / widest) * (strip / 2 - 2);
      const zero = base + 6 + strip / 2;
      return {
        x: plot.x + index * slot + 1,
        width: Math.max(1, slot - 2),
        y: bin.difference >= 0 ? zero - size : zero,
        height: size,
        up: bin.difference >= 0,
      };
    }),
    stripZero: base + 6 + strip / 2,
    slots: bins.map((bin, index) => ({
      x: plot.x + index * slot,
      width: slot,
      tip: `${bin.label}\n${reference} ${formatPercent(bin.referenceRatio)}, ${current} ${formatPercent(bin.currentRatio)}`,
    })),
    labels: edgeLabels(bins, plot.x, slot, height),
  };
}

function edgeLabels(bins: readonly ComparedBin[], left: number, slot: number, height: number) {
  const first = bins[0];
  const last = bins.at(-1);
  if (!first || !last) return [];
  const y = height - 4;
  const middle = bins[Math.floor(bins.length / 2)];
  return [
    { x: left, y, anchor: 'start' as const, text: first.label },
    ...(bins.length > 4 && middle
      ? [
          {
            x: left + (Math.floor(bins.length / 2) + 0.5) * slot,
            y,
            anchor: 'middle' as const,
            text: middle.label,
          },
        ]
      : []),
    ...(bins.length > 1
      ? [{ x: left + bins.length * slot, y, anchor: 'end' as const, text: last.label }]
      : []),
  ];
}

const r = (value: number): number => Math.round(value * 10) / 10;

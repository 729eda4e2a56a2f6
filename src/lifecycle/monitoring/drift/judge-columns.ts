import { benjaminiHochberg } from '../../../core/statistics/drift/benjamini-hochberg.ts';
import type { ColumnDrift, DriftVerdict, MonitorSpec } from '../contract.ts';
import { percent, threeDigits } from '../text.ts';
import type { ColumnComparison } from './compare-column.ts';

/**
 * Gives each column of a window its verdict. Drifted: p-value at most alpha, at most the false discovery rate after
 * Benjamini-Hochberg over all tests of the window (values and missing rates), and an effect that matters.
 *
 * @param partialReason why the rows do not stand for the whole window; then nothing is said to have drifted
 */
export function judgeColumns(
  comparisons: readonly ColumnComparison[],
  spec: MonitorSpec['drift'],
  partialReason?: string,
): readonly ColumnDrift[] {
  const partial = partialReason !== undefined;
  const tests = comparisons.flatMap(({ pValue, tooFew, missing }) =>
    partial ? [null, null] : [tooFew ? null : pValue, missing.pValue],
  );
  const adjusted = benjaminiHochberg(tests);
  const passes = (p: number | null, q: number | null, effect: number | null, needed: number) =>
    p !== null &&
    q !== null &&
    effect !== null &&
    p <= spec.alpha &&
    q <= spec.falseDiscoveryRate &&
    effect >= needed;
  return comparisons.map(({ tooFew, missing: { effect: missingEffect, ...missing }, ...column }, i) => {
    const adjustedPValue = adjusted[2 * i] ?? null;
    const drifted = passes(column.pValue, adjustedPValue, column.effect, column.effectThreshold);
    const verdict: DriftVerdict = tooFew ?? (partial ? 'insufficient' : drifted ? 'drifted' : 'stable');
    const missingQ = adjusted[2 * i + 1] ?? null;
    const missingVerdict: DriftVerdict =
      partial || missing.pValue === null
        ? 'insufficient'
        : passes(missing.pValue, missingQ, missingEffect, spec.missingRise)
          ? 'drifted'
          : 'stable';
    const judged = {
      ...column,
      adjustedPValue,
      verdict,
      missing: { ...missing, verdict: missingVerdict },
    };
    const reason = partial ? `${column.column}: ${partialReason}` : reasonOf(judged, spec);
    return { ...judged, reason };
  });
}

function reasonOf(column: Omit<ColumnDrift, 'reason'>, spec: MonitorSpec['drift']): string {
  const { column: name, verdict, effect, effectThreshold, pValue } = column;
  const effectName = column.kind === 'numeric' ? 'rank distance' : 'Jensen-Shannon distance';
  if (verdict === 'no-data') return `${name}: no values to compare`;
  if (verdict === 'insufficient') {
    const { currentRows, referenceRows } = column;
    return currentRows < spec.minRows
      ? `${name}: ${currentRows} rows are too few to say (at least ${spec.minRows})`
      : `${name}: ${currentRows} rows, beside ${referenceRows} of the reference, are too few for a test`;
  }
  const numbers = `${effectName} ${threeDigits(effect ?? 0)} (matters from ${threeDigits(effectThreshold)}), p ${threeDigits(pValue ?? 1)}`;
  const moved = verdict === 'drifted' ? biggestMove(column) : '';
  return `${name} ${verdict === 'drifted' ? 'drifted' : 'is stable'}: ${numbers}${moved}`;
}

/** Where a category gained or lost most: "; ORD 9 % → 14 %". */
function biggestMove(column: Omit<ColumnDrift, 'reason'>): string {
  const { categories, reference, current } = column.comparison;
  if (!categories) return '';
  let best = { gap: 0, text: '' };
  categories.forEach((name, i) => {
    const before = (reference[i] ?? 0) / Math.max(1, column.referenceRows);
    const after = (current[i] ?? 0) / Math.max(1, column.currentRows);
    const gap = Math.abs(after - before);
    if (gap > best.gap) best = { gap, text: `; ${name} ${percent(before)} → ${percent(after)}` };
  });
  return best.text;
}

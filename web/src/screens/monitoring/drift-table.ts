import type { ColumnDrift, MonitorWindow } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { byName } from '../../kit/by-name.ts';

/** How far over its threshold a column is; 1 is on it. Columns that cannot be tested come last. */
export const severity = (drift: ColumnDrift): number =>
  drift.effect === null
    ? -1
    : drift.effect / drift.effectThreshold +
      (drift.verdict === 'drifted' ? 1000 : 0) +
      (drift.missing.verdict === 'drifted' ? 500 : 0);

export function stateOfDrift(drift: ColumnDrift): State {
  if (drift.verdict === 'drifted') return (drift.effect ?? 0) >= 2 * drift.effectThreshold ? 'bad' : 'watch';
  if (drift.missing.verdict === 'drifted') return 'watch';
  return drift.verdict === 'stable' ? 'good' : 'none';
}

/** Columns of a window, those that matter first. */
export function orderedDrift(window: MonitorWindow): readonly ColumnDrift[] {
  return window.drift.toSorted((a, b) => severity(b) - severity(a) || byName(a.column, b.column));
}

const percent = (ratio: number): string => `${(ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)}\u202f%`;

/** What moved, in the column's own words: the category whose share changed most, or the shares that went missing. */
export function whatMoved(drift: ColumnDrift): string {
  const parts: string[] = [];
  const { categories, reference, current } = drift.comparison;
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const [before, now] = [total(reference), total(current)];
  if (drift.verdict === 'drifted' && categories && before > 0 && now > 0) {
    const moved = categories
      .map((name, index) => ({
        name,
        from: (reference[index] ?? 0) / before,
        to: (current[index] ?? 0) / now,
      }))
      .toSorted((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from))[0];
    if (moved)
      parts.push(`share of “${moved.name || '(empty)'}”: ${percent(moved.from)} → ${percent(moved.to)}`);
  }
  if (drift.missing.verdict === 'drifted')
    parts.push(`missing ${percent(drift.missing.referenceRatio)} → ${percent(drift.missing.currentRatio)}`);
  if (drift.newCategories.rows > 0)
    parts.push(
      `new values: ${drift.newCategories.examples
        .slice(0, 3)
        .map((each) => each.value)
        .join(', ')}`,
    );
  return parts.join('; ');
}

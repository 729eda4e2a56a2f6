/** What a comparison looks at before anybody has chosen. Pure. */
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { axisOf, keyRows } from './differences.ts';

const KNOWN = /auc|acc|f1|r2|score|loss|rmse|mae|error|brier/i;

/** The metric that most likely says how good a run is; undefined where there is none. */
export function mainMetric(keys: readonly string[]): string | undefined {
  const own = keys.filter((key) => !key.startsWith('system/'));
  return own.find((key) => KNOWN.test(key)) ?? own[0];
}

/** Params that differ, those with numbers first: what one would look at for a reason. */
export function mainParams(runs: readonly Run[], limit: number): readonly string[] {
  const rows = keyRows(runs, false).filter((row) => row.kind === 'param');
  return rows
    .map((row) => ({ row, axis: axisOf(row.values) }))
    .filter(({ axis }) => axis.kind === 'number' || axis.words.length <= 40)
    .toSorted(
      (a, b) =>
        Number(b.axis.kind === 'number') - Number(a.axis.kind === 'number') ||
        b.row.distinct - a.row.distinct,
    )
    .slice(0, limit)
    .map(({ row }) => `params.${row.key}`);
}

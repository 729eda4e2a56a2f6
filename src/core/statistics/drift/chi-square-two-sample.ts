import { chiSquareSurvival } from '../special/chi-square-survival.ts';
import type { ContingencyTable } from './contingency-table.ts';
import { fisherExact } from './fisher-exact.ts';

/** A two-sample chi-square test's result. */
interface ChiSquareTwoSample {
  readonly statistic: number;
  /** Degrees of freedom after pooling; 0 if only one cell is left, and then the statistic is 0. */
  readonly df: number;
  readonly pValue: number;
}

/**
 * Chi-square test that two samples come from one law: both rows are samples (no Yates correction), rare cells
 * pooled. null if a sample is empty.
 *
 * If the pooled rest is still too rare for chi-square it is tested by Fisher's exact test against all the others,
 * and the smaller of both p-values is doubled (Bonferroni), so that one row of a new category is no alarm.
 * Source: scipy `chi2_contingency(correction=False)`.
 */
export function chiSquareTwoSample(table: ContingencyTable): ChiSquareTwoSample | null {
  if (table.referenceTotal === 0 || table.currentTotal === 0) return null;
  const cells = table.other !== null && !table.otherIsSparse ? [...table.cells, table.other] : table.cells;
  const main = chiSquare(cells);
  if (table.other === null || !table.otherIsSparse) return main;
  const [reference, current] = table.other;
  const rare = fisherExact(
    reference,
    table.referenceTotal - reference,
    current,
    table.currentTotal - current,
  );
  return { ...main, pValue: main.df === 0 ? rare : Math.min(1, 2 * Math.min(main.pValue, rare)) };
}

function chiSquare(cells: readonly (readonly [number, number])[]): ChiSquareTwoSample {
  const df = cells.length - 1;
  if (df < 1) return { statistic: 0, df: 0, pValue: 1 };
  let n = 0;
  let m = 0;
  for (const [reference, current] of cells) {
    n += reference;
    m += current;
  }
  let statistic = 0;
  for (const [reference, current] of cells) {
    const share = (reference + current) / (n + m);
    statistic += (reference - n * share) ** 2 / (n * share) + (current - m * share) ** 2 / (m * share);
  }
  return { statistic, df, pValue: chiSquareSurvival(statistic, df) };
}

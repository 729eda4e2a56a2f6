import { categoricalDrift } from '../../../core/statistics/drift/categorical-drift.ts';
import { missingRateChange } from '../../../core/statistics/drift/missing-rate-change.ts';
import { newCategories } from '../../../core/statistics/drift/new-categories.ts';
import { numericDrift } from '../../../core/statistics/drift/numeric-drift.ts';
import type { ColumnDrift, DriftVerdict, MonitorSpec } from '../contract.ts';
import type { ColumnValues } from './column-values.ts';
import { compareBins } from './compare-bins.ts';
import type { ReferenceColumn } from './references.ts';

type DriftSpec = MonitorSpec['drift'];

/** A comparison whose verdicts wait for the correction over all columns (see judgeColumns). */
export type ColumnComparison = Omit<ColumnDrift, 'adjustedPValue' | 'verdict' | 'reason' | 'missing'> & {
  readonly missing: Omit<ColumnDrift['missing'], 'verdict'> & { readonly effect: number | null };
  readonly tooFew: Extract<DriftVerdict, 'insufficient' | 'no-data'> | null;
};

const exampleCount = 5;

/**
 * Compares one column of a window with its reference by the rule of a p-value **and** an effect whose noise floor
 * is removed: Kolmogorov-Smirnov with rank-space Wasserstein for numbers, chi-square with Jensen-Shannon for
 * categories. The effect must exceed what matters by as much as the reference's own windows differ from each other.
 * Missing values are compared apart, as a rate.
 */
export function compareColumn(
  column: string,
  role: ColumnDrift['role'],
  { values: reference, naturalEffect }: Pick<ReferenceColumn, 'values' | 'naturalEffect'>,
  current: ColumnValues,
  spec: DriftSpec,
): ColumnComparison {
  const missing = missingRateChange(reference, current, { alpha: spec.alpha, minEffect: spec.missingRise });
  const values =
    reference.kind === 'numeric' && current.kind === 'numeric'
      ? numbers(reference, current, spec)
      : reference.kind === 'categorical' && current.kind === 'categorical'
        ? categories(reference, current, spec)
        : undefined;
  if (!values) throw new Error(`column ${column} is numeric on one side only`);
  const empty = values.currentRows === 0 || values.referenceRows === 0;
  const few = values.currentRows < spec.minRows || values.pValue === null;
  return {
    column,
    role,
    ...values,
    effectThreshold: values.effectThreshold + (naturalEffect ?? 0),
    naturalEffect,
    missing: {
      referenceRatio: missing.referenceRatio ?? 0,
      currentRatio: missing.currentRatio ?? 0,
      pValue: current.rows < spec.minRows ? null : missing.pValue,
      effect: missing.effect,
    },
    comparison: compareBins(reference, current),
    tooFew: empty ? 'no-data' : few ? 'insufficient' : null,
  };
}

type ComparedValues = Omit<
  ColumnComparison,
  'column' | 'role' | 'naturalEffect' | 'missing' | 'comparison' | 'tooFew'
>;
type Numeric = Extract<ColumnValues, { kind: 'numeric' }>;
type Categorical = Extract<ColumnValues, { kind: 'categorical' }>;

function numbers(reference: Numeric, current: Numeric, spec: DriftSpec): ComparedValues {
  const result = numericDrift(reference.sample, current.sample, {
    alpha: spec.alpha,
    minEffect: spec.numericEffect,
  });
  return {
    kind: 'numeric',
    test: 'kolmogorov-smirnov',
    statistic: result.statistic,
    pValue: result.pValue,
    effect: result.effect,
    effectThreshold: spec.numericEffect,
    referenceRows: result.referenceN,
    currentRows: result.currentN,
    newCategories: { rows: 0, ratio: 0, examples: [] },
  };
}

function categories(reference: Categorical, current: Categorical, spec: DriftSpec): ComparedValues {
  const result = categoricalDrift(reference.counts, current.counts, {
    alpha: spec.alpha,
    minEffect: spec.categoricalEffect,
  });
  const fresh = newCategories(reference.counts, current.counts);
  const rows = fresh.reduce((sum, category) => sum + category.count, 0);
  return {
    kind: 'categorical',
    test: 'chi-square',
    statistic: result.statistic,
    pValue: result.pValue,
    effect: result.effect,
    effectThreshold: spec.categoricalEffect,
    referenceRows: result.referenceN,
    currentRows: result.currentN,
    newCategories: {
      rows,
      ratio: result.currentN === 0 ? 0 : rows / result.currentN,
      examples: fresh.slice(0, exampleCount).map(({ value, count }) => ({ value, count })),
    },
  };
}

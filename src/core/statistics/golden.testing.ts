import { readFileSync } from 'node:fs';

type Rows = readonly (readonly number[])[];
type Table = readonly [readonly number[], readonly number[]];

/** Values from scipy, scikit-learn and statsmodels, made by test/golden/statistics.py. */
interface Golden {
  readonly special: Readonly<Record<string, Rows>>;
  readonly drift: {
    readonly ks: readonly {
      readonly a: readonly number[];
      readonly b: readonly number[];
      readonly statistic: number;
      readonly pValue: number;
    }[];
    readonly ksLarge: Rows;
    readonly chiSquare: readonly { table: Table; statistic: number; df: number; pValue: number }[];
    readonly jensenShannon: readonly { table: Table; distance: number }[];
    readonly rankWasserstein: readonly number[];
    readonly fisher: readonly { table: Table; pValue: number }[];
  };
  readonly multiple: {
    readonly benjaminiHochberg: readonly (readonly [readonly number[], readonly number[]])[];
    readonly wilson: Rows;
    readonly proportions: Rows;
  };
  readonly classification: {
    readonly labels: readonly number[];
    readonly first: readonly number[];
    readonly second: readonly number[];
    readonly threshold: number;
    readonly auc: readonly [number, number];
    readonly delong: {
      readonly variances: readonly [number, number];
      readonly difference: number;
      readonly standardError: number;
      readonly pValue: number;
    };
    readonly logLoss: number;
    readonly logLossInterval: readonly [number, number];
    readonly brier: number;
    readonly decisions: Readonly<Record<string, number>>;
    readonly mccBootstrap: readonly [number, number];
    readonly calibration: { readonly observed: readonly number[]; readonly meanScore: readonly number[] };
    readonly recalibration: { readonly intercept: number; readonly slope: number };
    readonly roc: { readonly fpr: readonly number[]; readonly tpr: readonly number[] };
  };
  readonly sequential: {
    readonly multinomial: readonly (readonly [readonly number[], readonly number[], number])[];
    readonly betaBinomial: Rows;
  };
}

/** The golden values of test/golden/statistics.py. */
export const golden: Golden = JSON.parse(
  readFileSync(new URL('./fixtures/golden.json', import.meta.url), 'utf8'),
);

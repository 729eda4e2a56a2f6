import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { createRng } from '../../../src/core/rng.ts';
import { auc } from '../../../src/core/statistics/classification/auc.ts';
import { brierOf, logLossOf, rowLosses } from '../../../src/core/statistics/classification/row-losses.ts';
import type { Estimate } from '../../../src/core/statistics/estimate.ts';
import type { Ledger } from './ledger.ts';

export const months = [2, 3, 4, 5, 6] as const;
export const monthNames = ['February', 'March', 'April', 'May', 'June'] as const;

export interface Quality {
  readonly logLoss: Estimate;
  readonly brier: Estimate;
  readonly auc: Estimate;
}

/** How a way to keep a model up to date would have done on the replayed flights. */
export interface Policy {
  readonly name: string;
  readonly trainings: number;
  readonly months: readonly Quality[];
  readonly all: Quality;
  /** Mean log loss less that of never retraining on the same flights, by month and over all. */
  readonly againstNever: { readonly months: readonly Estimate[]; readonly all: Estimate };
}

const draws = 1000;
const seed = 2001;

/** Raw float64 scores, one per replayed flight in order of departure. */
export async function readScores(path: string): Promise<Float64Array> {
  const bytes = await readFile(path);
  if (endianness() !== 'LE') bytes.swap64();
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** @param never scores of the model that is never retrained */
export function judge(
  name: string,
  trainings: number,
  scores: Float64Array,
  never: Float64Array,
  ledger: Ledger,
): Policy {
  const { labels, days } = ledger;
  const differences = rowLosses(labels, scores, logLossOf).map(
    (loss, i) => loss - logLossOf(labels[i] ?? 0, never[i] ?? 0),
  );
  const all = Array.from(labels, (_, i) => i);
  const byMonth = months.map((month) => all.filter((i) => ledger.months[i] === month));
  return {
    name,
    trainings,
    months: byMonth.map((rows) => qualityOf(scores, ledger, rows)),
    all: qualityOf(scores, ledger, all),
    againstNever: {
      months: byMonth.map((rows) => meanByDay(pick(differences, rows), pick(days, rows))),
      all: meanByDay(differences, days),
    },
  };
}

function qualityOf(allScores: Float64Array, ledger: Ledger, rows: readonly number[]): Quality {
  const scores = Float64Array.from(pick(allScores, rows));
  const labels = Uint8Array.from(pick(ledger.labels, rows));
  const days = pick(ledger.days, rows);
  return {
    logLoss: meanByDay(rowLosses(labels, scores, logLossOf), days),
    brier: meanByDay(rowLosses(labels, scores, brierOf), days),
    auc: auc(labels, scores),
  };
}

function pick(values: ArrayLike<number>, rows: readonly number[]): readonly number[] {
  return rows.map((i) => values[i] ?? Number.NaN);
}

/**
 * A mean over flights with a 95 % interval from drawing whole days again: flights of a day share their weather, so
 * they are not independent, and an interval that takes them for it would be far too narrow.
 */
export function meanByDay(values: ArrayLike<number>, days: ArrayLike<number>): Estimate {
  const sums: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const day = days[i] ?? 0;
    sums[day] = (sums[day] ?? 0) + (values[i] ?? 0);
    counts[day] = (counts[day] ?? 0) + 1;
  }
  const present = Object.keys(counts).map(Number);
  const total = present.reduce((sum, day) => sum + (sums[day] ?? 0), 0);
  if (values.length === 0) return { value: null, low: null, high: null, n: 0 };
  const rng = createRng(seed);
  const means = Array.from({ length: draws }, () => {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < present.length; i++) {
      const day = present[rng.int(present.length)] ?? 0;
      sum += sums[day] ?? 0;
      count += counts[day] ?? 0;
    }
    return sum / count;
  }).sort((a, b) => a - b);
  return {
    value: total / values.length,
    low: means[Math.floor(0.025 * draws)] ?? null,
    high: means[Math.ceil(0.975 * draws) - 1] ?? null,
    n: values.length,
  };
}

import { type BootstrapOptions, bootstrapCounts } from '../bootstrap-counts.ts';
import { type Estimate, undefinedEstimate } from '../estimate.ts';
import { type CalibrationBin, calibrationBins } from './calibration-bins.ts';

/**
 * Expected calibration error over bins of equal numbers: mean distance of share of positives and mean score,
 * weighted by rows; 0..1, lower is better. No rows: undefined.
 *
 * Noise alone makes it positive (about √(bins/n) × 0.4), and every resample adds noise again; so the interval is
 * the basic bootstrap (2·value − percentiles), clipped at 0 and widened to hold the value itself.
 * Source: Naeini et al. (2015), with equal-mass bins (Nixon et al. 2019).
 */
export function expectedCalibrationError(
  labels: Uint8Array,
  scores: Float64Array,
  options: BootstrapOptions,
): Estimate {
  const bins = calibrationBins(labels, scores);
  if (bins.length === 0) return undefinedEstimate(0);
  const cells = bins.flatMap((bin) => [bin.positives, bin.observed.n - bin.positives]);
  const value = errorOfCells(bins, cells);
  const interval = bootstrapCounts(cells, (counts) => errorOfCells(bins, counts), options);
  return basicInterval(value, interval, labels.length, 0);
}

/**
 * Difference of two models' calibration errors (first minus second) on the same rows, each over bins of its own,
 * with the basic bootstrap interval of the rows.
 */
export function calibrationErrorDifference(
  labels: Uint8Array,
  first: Float64Array,
  second: Float64Array,
  options: BootstrapOptions,
): Estimate {
  const binsA = calibrationBins(labels, first);
  const binsB = calibrationBins(labels, second);
  if (binsA.length === 0) return undefinedEstimate(0);
  const cells: number[] = new Array(binsA.length * binsB.length * 2).fill(0);
  for (let i = 0; i < labels.length; i++) {
    const pair = binOf(binsA, first[i]!) * binsB.length + binOf(binsB, second[i]!);
    cells[pair * 2 + (labels[i] === 1 ? 0 : 1)]!++;
  }
  const difference = (counts: readonly number[]): number => {
    const cellsA: number[] = new Array(binsA.length * 2).fill(0);
    const cellsB: number[] = new Array(binsB.length * 2).fill(0);
    counts.forEach((count, cell) => {
      const pair = cell >> 1;
      cellsA[Math.floor(pair / binsB.length) * 2 + (cell & 1)]! += count;
      cellsB[(pair % binsB.length) * 2 + (cell & 1)]! += count;
    });
    return errorOfCells(binsA, cellsA) - errorOfCells(binsB, cellsB);
  };
  return basicInterval(difference(cells), bootstrapCounts(cells, difference, options), labels.length);
}

/** Cells = [positives, negatives] of each bin in turn. */
function errorOfCells(bins: readonly CalibrationBin[], cells: readonly number[]): number {
  let error = 0;
  let total = 0;
  bins.forEach((bin, k) => {
    const positives = cells[2 * k]!;
    const rows = positives + cells[2 * k + 1]!;
    total += rows;
    error += Math.abs(positives - bin.meanScore * rows);
  });
  return error / total;
}

function binOf(bins: readonly CalibrationBin[], score: number): number {
  let low = 0;
  let high = bins.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bins[middle]!.toScore < score) low = middle + 1;
    else high = middle;
  }
  return low;
}

function basicInterval(
  value: number,
  percentiles: readonly [number, number] | null,
  n: number,
  atLeast = Number.NEGATIVE_INFINITY,
): Estimate {
  if (percentiles === null) return { value, low: null, high: null, n };
  const low = Math.max(atLeast, 2 * value - percentiles[1]);
  const high = 2 * value - percentiles[0];
  return { value, low: Math.min(value, low), high: Math.max(value, high), n };
}

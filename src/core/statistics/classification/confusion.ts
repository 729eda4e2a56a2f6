/** Counts of decisions against labels. */
export interface Confusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

/** Counts the decisions `score >= threshold`. */
export function confusionOf(labels: Uint8Array, scores: Float64Array, threshold: number): Confusion {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    counts[(labels[i] === 1 ? 2 : 0) + (scores[i]! >= threshold ? 1 : 0)]!++;
  }
  return confusionOfCells(counts);
}

/** From [true negatives, false positives, false negatives, true positives]: index = 2·label + decision. */
export function confusionOfCells(cells: ArrayLike<number>): Confusion {
  return {
    trueNegatives: cells[0]!,
    falsePositives: cells[1]!,
    falseNegatives: cells[2]!,
    truePositives: cells[3]!,
  };
}

import type { PredictionDetail } from '../../../../src/lifecycle/feedback/contract.ts';

/**
 * What a caller sent for a feature that was refused for it: a column of numbers holds no text, so the log has it in the
 * error alone, which quotes it. Null when the error is about another feature or row, names none, or was left out because
 * features are redacted. Pure.
 */
export function sentInstead(
  { error, predictionId }: Pick<PredictionDetail, 'error' | 'predictionId'>,
  feature: string,
): string | null {
  const start = `input "${feature}"`;
  if (!error?.startsWith(start)) return null;
  const [, row, sent] = /^(?: of row (\d+))? is (.+); expected /s.exec(error.slice(start.length)) ?? [];
  // All rows of a request are refused with the error of one; their ids end with their numbers.
  if (row !== undefined && !predictionId.endsWith(`-${row}`)) return null;
  return sent === undefined || sent === 'missing' ? null : sent;
}

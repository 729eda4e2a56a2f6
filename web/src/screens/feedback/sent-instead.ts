import type { PredictionDetail } from '../../../../src/lifecycle/feedback/contract.ts';

/**
 * What a caller sent for a feature that was refused for it: a column of numbers holds no text, so the log has it in the
 * error alone, which quotes it. Null when the error is about another feature, names none, or was left out because
 * features are redacted. Pure.
 */
export function sentInstead({ error }: Pick<PredictionDetail, 'error'>, feature: string): string | null {
  const start = `input "${feature}"`;
  if (!error?.startsWith(start)) return null;
  const sent = /^(?: of row \d+)? is (.+); expected /s.exec(error.slice(start.length))?.[1];
  return sent === undefined || sent === 'missing' ? null : sent;
}

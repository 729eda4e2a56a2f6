import type { Estimate } from './contract.ts';

/** A whole number with thousands separated: `41,203`. */
export function numberText(value: number): string {
  return value.toLocaleString('en-US');
}

/**
 * An estimate for a sentence: `0.713 (0.707 to 0.719)`, with as many decimals (2 to 6) as make the interval's width
 * two digits long. `not defined` without a value; an open end is said in words.
 */
export function estimateText({ value, low, high }: Estimate): string {
  if (value === null) return 'is not defined';
  const width = low !== null && high !== null && high > low ? high - low : Math.abs(value) / 10;
  const decimals = width > 0 ? Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(width)))) : 3;
  const text = (x: number) => x.toFixed(decimals);
  if (low === null && high === null) return text(value);
  if (high === null) return `${text(value)} (${text(low!)} or more)`;
  if (low === null) return `${text(value)} (${text(high)} or less)`;
  return `${text(value)} (${text(low)} to ${text(high)})`;
}

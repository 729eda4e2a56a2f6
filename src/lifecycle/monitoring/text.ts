/** A number with three significant digits for sentences: 0.0123, 4.57, 1 230, 2.1e-9. */
export function threeDigits(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** A share as a percentage for sentences: 9 %, 0.42 %. */
export function percent(ratio: number): string {
  return `${threeDigits(ratio * 100)} %`;
}

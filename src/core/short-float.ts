const powers = Array.from({ length: 17 }, (_, i) => 10 ** i);
/** Within these, a single scaled to nine digits is a whole number that a double holds. */
const [least, most] = [1e-7, 1e6] as const;
/** Whole numbers below this have no more digits than name a single. */
const wholeBelow = 1e9;
/** Any six digits survive a single; nine name it for certain. */
const sureDigits = 6;
const allDigits = 9;

/**
 * The double with the fewest digits that is the same single-precision number: 0.1 for what a single keeps as
 * 0.10000000149011612. It is what a caller wrote, and half as long in JSON. Doubles that are not singles are
 * rounded to one first.
 */
export function shortFloat(value: number): number {
  const single = Math.fround(value);
  const size = Math.abs(single);
  if (!(size >= least && size < most)) {
    const exact =
      size === 0 || !Number.isFinite(size) || (size >= most && size < wholeBelow && size % 1 === 0);
    return exact ? single : fewestDigits(single);
  }
  let decimals = sureDigits;
  if (size >= 1) for (let limit = 1; size >= limit; limit *= 10) decimals--;
  else for (let limit = 0.1; size < limit; limit /= 10) decimals++;
  for (const last = decimals + allDigits - sureDigits; decimals <= last; decimals++) {
    const power = powers[decimals] as number;
    const short = Math.round(single * power) / power;
    if (Math.fround(short) === single) return short;
  }
  return fewestDigits(single);
}

function fewestDigits(single: number): number {
  for (let digits = sureDigits; digits < allDigits; digits++) {
    const short = +single.toPrecision(digits);
    if (Math.fround(short) === single) return short;
  }
  return +single.toPrecision(allDigits);
}

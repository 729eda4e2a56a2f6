import type { ElementType } from '../../core/model-package.ts';
import { shortFloat } from '../../core/short-float.ts';

/**
 * One output value as JSON. Single-precision numbers are written with the fewest digits that name them; NaN and
 * infinities, which JSON has not, become null; int64 beyond 2^53 keep all digits, and a zero its sign.
 */
export function valueJson(value: unknown, type: ElementType): string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return 'null';
    if (value === 0) return Object.is(value, -0) ? '-0.0' : '0';
    return String(type === 'float' ? shortFloat(value) : value);
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Values that are put together at once: a text that grows value by value keeps an object for each until it is read. */
const pieceLength = 1000;

/** The values from `from` to before `to`, separated by commas. */
export function valuesJson(data: ArrayLike<unknown>, type: ElementType, from = 0, to = data.length): string {
  if (to - from > pieceLength) return longValuesJson(data, type, from, to);
  let text = '';
  for (let i = from; i < to; i++) text += (i > from ? ',' : '') + valueJson(data[i], type);
  return text;
}

function longValuesJson(data: ArrayLike<unknown>, type: ElementType, from: number, to: number): string {
  const pieces: string[] = [];
  for (let start = from; start < to; start += pieceLength) {
    const texts: string[] = [];
    for (let i = start; i < Math.min(to, start + pieceLength); i++) texts.push(valueJson(data[i], type));
    pieces.push(texts.join(','));
  }
  return pieces.join(',');
}

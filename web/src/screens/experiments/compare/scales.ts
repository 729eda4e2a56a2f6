/** Ticks and colours of axes that may be numbers or categories. Pure. */
import { niceStep } from '../../../charts/prepare/ticks.ts';
import { formatNumber } from '../../../kit/format.ts';
import { type Axis, placeOn } from './differences.ts';

type PlacedTick = { readonly place: number; readonly text: string };

/** Ticks of an axis from 0 to 1; categories have one each while there is room for about `count`. */
export function axisTicks(axis: Axis, log: boolean, count: number): readonly PlacedTick[] {
  if (axis.kind === 'text') {
    const every = Math.max(1, Math.ceil(axis.words.length / Math.max(1, count * 2)));
    return axis.words.flatMap((text, index) =>
      index % every === 0 ? [{ text, place: placeOn(axis, index, false) }] : [],
    );
  }
  const { low, high } = axis;
  if (low === high) return [{ place: 0.5, text: formatNumber(low) }];
  if (log && low > 0) {
    const first = Math.floor(Math.log10(low));
    const last = Math.ceil(Math.log10(high));
    const powers = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
    const inside = powers.filter((power) => power >= low && power <= high);
    const shown = inside.length >= 2 ? inside : [low, high];
    return shown.map((value) => ({ place: placeOn(axis, value, true), text: formatNumber(value) }));
  }
  const step = niceStep(high - low, count);
  const ticks: PlacedTick[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) {
    const clean = Math.round(value / step) * step;
    ticks.push({ place: placeOn(axis, clean, false), text: formatNumber(clean) });
  }
  return ticks;
}

/** A colour for a run by its place on an axis: from orange to the accent for numbers, one of eight for categories. */
export function inkAt(axis: Axis, index: number): string {
  const value = axis.values[index] ?? null;
  if (value === null) return 'var(--line-strong)';
  if (axis.kind === 'text') return `var(--series-${(value % 8) + 1})`;
  const percent = Math.round(placeOn(axis, value, false) * 100);
  return `color-mix(in oklab, var(--accent) ${percent}%, var(--series-2))`;
}

/** A text cut for the eye only; what it stands for stays whole. */
export const fits = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;

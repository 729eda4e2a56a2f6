/** SVG path pieces shared by the prepare functions. Straight segments only: nothing is invented between samples. */

export type Point = { readonly x: number; readonly y: number };
type BandPoint = { readonly x: number; readonly low: number; readonly high: number };

const px = (value: number): string => (Math.round(value * 10) / 10).toString();

export function linePath(points: readonly Point[]): string {
  return points.map((point, index) => `${index === 0 ? 'M' : 'L'}${px(point.x)} ${px(point.y)}`).join('');
}

/** The area between two bounds; a single sample becomes a short vertical bar so that it is still seen. */
export function bandPath(points: readonly BandPoint[]): string {
  const [only] = points;
  if (points.length === 1 && only) {
    return `M${px(only.x - 1.5)} ${px(only.high)}H${px(only.x + 1.5)}V${px(only.low)}H${px(only.x - 1.5)}Z`;
  }
  const top = points
    .map((point, index) => `${index === 0 ? 'M' : 'L'}${px(point.x)} ${px(point.high)}`)
    .join('');
  const back = points
    .toReversed()
    .map((point) => `L${px(point.x)} ${px(point.low)}`)
    .join('');
  return points.length === 0 ? '' : `${top}${back}Z`;
}

/** Splits a sequence wherever `broken` says that two neighbours do not belong together. */
export function runsOf<T>(
  items: readonly T[],
  broken: (before: T, after: T) => boolean,
): readonly (readonly T[])[] {
  const runs: T[][] = [];
  for (const item of items) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run && before !== undefined && !broken(before, item)) run.push(item);
    else runs.push([item]);
  }
  return runs;
}

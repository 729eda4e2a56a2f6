/** A calibration bin as a point with its interval. */
export type ReliabilityPoint = {
  readonly meanScore: number;
  readonly observed: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly rows: number;
};

/** Mean score against observed rate on a square; the diagonal is perfect. Axes share one range from 0. */
export function prepareReliability(
  models: readonly { readonly id: string; readonly points: readonly ReliabilityPoint[] }[],
  size: number,
) {
  const every = models.flatMap((model) => model.points);
  if (every.length === 0) return null;
  const highest = Math.max(...every.flatMap((point) => [point.meanScore, point.high ?? point.observed]));
  const top = Math.min(1, Math.max(0.1, Math.ceil(highest * 10) / 10));
  const plot = { x: 34, y: 8, size: size - 34 - 10 };
  const x = (value: number): number => plot.x + (value / top) * plot.size;
  const y = (value: number): number => plot.y + (1 - value / top) * plot.size;
  const step = top > 0.5 ? 0.25 * (top > 0.8 ? 1 : 0.8) : 0.1;
  const count = Math.round(top / step);
  return {
    plot,
    ticks: Array.from({ length: count + 1 }, (_, index) => {
      const value = (index * top) / count;
      return { x: x(value), y: y(value), text: `${Math.round(value * 100)}` };
    }),
    diagonal: { x1: x(0), y1: y(0), x2: x(top), y2: y(top) },
    models: models.map((model) => ({
      id: model.id,
      points: model.points.map((point) => ({
        x: x(point.meanScore),
        y: y(point.observed),
        low: y(point.low ?? point.observed),
        high: y(Math.min(top, point.high ?? point.observed)),
        rows: point.rows,
        meanScore: point.meanScore,
        observed: point.observed,
      })),
    })),
  };
}

import { bandPath, linePath } from './paths.ts';
import { extent, valueTicks } from './ticks.ts';

/** A look at a sequential comparison: the estimate and its anytime-valid interval after `pairs` outcomes. */
export type Look = {
  readonly pairs: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly at?: string;
};

/**
 * Estimate and confidence sequence narrowing with evidence. Bounds are drawn as lines and always inside the
 * frame. The y range follows the later half of the looks, so a wide first look does not flatten the rest; what
 * lies outside is clipped by the frame.
 */
export function prepareConfidenceSequence(input: {
  readonly looks: readonly Look[];
  readonly bounds: readonly { readonly value: number; readonly label: string }[];
  readonly need?: number;
  readonly width: number;
  readonly height: number;
}) {
  const looks = input.looks.toSorted((a, b) => a.pairs - b.pairs);
  const last = looks.at(-1);
  if (!last) return null;
  const shown = looks.slice(Math.floor(looks.length / 2));
  const range = extent([
    ...shown.flatMap((look) => [look.low, look.high]),
    ...input.bounds.map((bound) => bound.value),
  ]);
  if (!range) return null;
  const axis = valueTicks(range[0], range[1], false);
  // A little room at the right keeps the newest look off the frame.
  const most = Math.max(last.pairs, input.need ?? 0, 1) * 1.05;
  const plot = { x: 52, y: 10, width: Math.max(40, input.width - 52 - 12), height: input.height - 10 - 26 };
  const x = (pairs: number): number => plot.x + (pairs / most) * plot.width;
  const y = (value: number): number =>
    plot.y + (1 - (value - axis.low) / (axis.high - axis.low)) * plot.height;
  const placed = looks.map((look) => ({
    ...look,
    x: x(look.pairs),
    y: y(look.value),
    yLow: y(look.low),
    yHigh: y(look.high),
  }));
  const counts = valueTicks(0, most, true).ticks.filter((tick) => tick.value <= most);
  return {
    plot,
    yTicks: axis.ticks.map((tick) => ({ at: y(tick.value), text: tick.text })),
    xTicks: counts.map((tick) => ({ at: x(tick.value), text: tick.text })),
    line: linePath(placed),
    band: bandPath(placed.map((look) => ({ x: look.x, low: look.yLow, high: look.yHigh }))),
    looks: placed,
    bounds: placeBounds(input.bounds, placed, plot, y),
    need: input.need === undefined ? null : x(input.need),
  };
}

/** The height of a label. */
const LABEL_PX = 12;

/**
 * Bounds with their labels at the left, on the side of their line where the looks are not; one that would lie on
 * another stands at the right end.
 */
function placeBounds(
  bounds: readonly { readonly value: number; readonly label: string }[],
  looks: readonly { readonly y: number }[],
  plot: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  y: (value: number) => number,
) {
  return bounds.map((bound, index) => {
    const near = bounds.slice(0, index).some((other) => Math.abs(y(other.value) - y(bound.value)) < 14);
    const label = near
      ? { labelX: plot.x + plot.width - 4, labelEnds: true }
      : { labelX: plot.x + 4, labelEnds: false };
    const at = y(bound.value);
    const isRoomBelow = at + LABEL_PX <= plot.y + plot.height;
    const mostAbove = looks.filter((look) => look.y < at).length > looks.length / 2;
    const below = at < plot.y + LABEL_PX || (isRoomBelow && mostAbove);
    return { ...bound, y: at, labelY: at + (below ? LABEL_PX : -4), ...label };
  });
}

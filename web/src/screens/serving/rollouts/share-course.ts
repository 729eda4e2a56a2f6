/** How the traffic was shared while a rollout went on, from the versions of its endpoint's route. Pure. */
import type { RouteVersion } from '../../../../../src/lifecycle/serving/contract.ts';
import type { EndpointRollout } from '../../../../../src/loop/contract.ts';
import type { StackedWindow } from '../../../charts/prepare/stacked-bars.ts';

/** More would be thinner than a pixel of a phone. */
const MOST_CHANGES = 160;

/**
 * Shares in per cent, each from one change of the route to the next; the last until `nowMs` or the rollout's end. Of
 * changes that follow each other too closely to be seen the last one stands.
 */
export function shareCourse(
  routes: readonly Pick<RouteVersion, 'createdAt' | 'arms'>[],
  rollout: Pick<EndpointRollout, 'createdAt' | 'endedAt'>,
  nowMs: number,
): readonly StackedWindow[] {
  const fromMs = Date.parse(rollout.createdAt);
  const toMs = rollout.endedAt === null ? nowMs : Date.parse(rollout.endedAt);
  const changes = routes
    .map((route) => ({ atMs: Date.parse(route.createdAt), arms: route.arms }))
    .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    .toSorted((a, b) => a.atMs - b.atMs);
  const slotOf = (atMs: number): number => Math.floor(((atMs - fromMs) / (toMs - fromMs)) * MOST_CHANGES);
  const seen = [...new Map(changes.map((change) => [slotOf(change.atMs), change])).values()];
  return seen.map(({ atMs, arms }, index) => ({
    startMs: atMs,
    endMs: seen[index + 1]?.atMs ?? toMs,
    parts: arms.map(({ arm, weight }) => ({ id: arm, count: weight * 100 })),
  }));
}

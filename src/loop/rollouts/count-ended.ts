import { isDeepStrictEqual } from 'node:util';
import type { RouteVersion } from '../../lifecycle/serving/index.ts';
import { banditState } from '../verdict/bandit.ts';
import { observe, zeroBeforeOf } from '../verdict/observe.ts';
import { judgeRollout } from './judge-rollout.ts';
import { keepLook } from './past-looks.ts';
import { type RolloutDeps, rolloutActor } from './rollout-writer.ts';
import type { RolloutData, RolloutRecord } from './store.ts';

/** Routes that are read to find the one that ended a rollout: it is among the newest. */
const routesRead = 200;

/**
 * What a rollout that has ended was answered until its end, as far as it is in the log by now; nothing is decided by it.
 * Null: nothing has come in since it was looked at last, and more may come.
 */
export async function countEnded(
  deps: RolloutDeps,
  { endpoint, data }: RolloutRecord,
): Promise<Partial<RolloutData> | null> {
  const { log, clock, watermarks, serving } = deps;
  const { spec, championVersion, targets } = data;
  const nowMs = clock.nowMs();
  const eventMs = await watermarks.get(endpoint);
  const routes = await serving.routeVersions(rolloutActor, endpoint, { limit: routesRead });
  const seen = await observe(log, {
    endpoint,
    spec,
    sinceRouteVersion: data.firstRouteVersion,
    untilRouteVersion: lastRoute(data, routes),
    championVersion,
    zeroBeforeMs: zeroBeforeOf(spec, eventMs),
  });
  const look = judgeRollout(data, seen, nowMs, eventMs);
  const isOver = nowMs >= (data.countsUntilMs ?? 0);
  if (!isOver && isDeepStrictEqual(look.arms, data.look?.arms)) return null;
  const { bandit } = data;
  const champion = { arm: 'champion', version: championVersion };
  const shares = Object.fromEntries(bandit?.arms.map(({ arm, share }) => [arm, share]) ?? []);
  return {
    look,
    looks: keepLook(data.looks, look, data.step),
    ...(bandit !== null && spec.kind === 'bandit'
      ? { bandit: banditState(spec, [champion, ...targets], shares, seen, bandit.changedAt) }
      : {}),
    ...(isOver ? { countsUntilMs: null } : {}),
  };
}

/** The last route under which the rollout had its traffic: all that come where none has ended it. */
function lastRoute({ step, targets, championVersion }: RolloutData, routes: readonly RouteVersion[]): number {
  const isItsOwn = ({ arms, shadow }: RouteVersion): boolean =>
    arms.some((a) => a.arm === 'champion' && a.modelVersion === championVersion) &&
    targets.some(({ arm, version }) =>
      step.stage === 'shadow'
        ? shadow?.modelVersion === version
        : arms.some((a) => a.arm === arm && a.modelVersion === version),
    );
  const ends = routes.filter((route) => route.version > step.routeVersion && !isItsOwn(route));
  return Math.min(Number.MAX_SAFE_INTEGER, ...ends.map((route) => route.version - 1));
}

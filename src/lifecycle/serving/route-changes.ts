import { fail } from '../../core/errors.ts';
import type { EndpointRoute, RouteArm, Shadow } from './contract.ts';

/** What of a route a change may touch. */
export type Traffic = Pick<EndpointRoute, 'arms' | 'shadow' | 'salt'>;

/** A version and its package. */
export interface Target {
  readonly modelVersion: string;
  readonly packageDigest: string;
}

/**
 * Each function gives the traffic after a change, or null when it is so already: asking twice, after a crash
 * for instance, changes nothing. `newSalt` is taken where a new split begins.
 */

/** The version gets all traffic. */
export function deployed(now: EndpointRoute, target: Target, newSalt: string): Traffic | null {
  const champion = armOf(now, 'champion');
  if (champion && sameTarget(champion, target) && now.arms.length === 1 && !now.shadow) return null;
  return { arms: [asChampion(target)], shadow: null, salt: newSalt };
}

/** The version becomes challenger with a share of the traffic. Throws `endpoint_no_champion`, `conflict`. */
export function challenged(
  now: EndpointRoute,
  target: Target,
  weight: number,
  shadowRest: boolean,
  newSalt: string,
): Traffic | null {
  const champion = requireArm(now, 'champion');
  if (champion.modelVersion === target.modelVersion) {
    throw fail('conflict', {
      problem: `version ${target.modelVersion} is the champion of "${now.endpoint}" already`,
    });
  }
  const challenger = armOf(now, 'challenger');
  const same = challenger !== undefined && sameTarget(challenger, target);
  const traffic: Traffic = {
    arms: split(champion, target, weight),
    shadow: shadowRest ? pick(target) : null,
    salt: same ? now.salt : newSalt,
  };
  return sameTraffic(now, traffic) ? null : traffic;
}

/** The challenger's share changes; the salt stays. Throws `endpoint_no_challenger`. */
export function weighted(now: EndpointRoute, weight: number): Traffic | null {
  const champion = requireArm(now, 'champion');
  const challenger = requireArm(now, 'challenger', 'weigh');
  const traffic = { arms: split(champion, challenger, weight), shadow: now.shadow, salt: now.salt };
  return sameTraffic(now, traffic) ? null : traffic;
}

/** Copies go to the version, or to none. Throws `endpoint_no_champion`. */
export function shadowed(now: EndpointRoute, shadow: Shadow | null): Traffic | null {
  if (shadow) requireArm(now, 'champion');
  const traffic = { arms: now.arms, shadow: shadow && pick(shadow), salt: now.salt };
  return sameTraffic(now, traffic) ? null : traffic;
}

/**
 * The challenger becomes champion with all traffic. Throws `endpoint_no_challenger` when there is none, or not
 * of the version that is asked for.
 */
export function promoted(
  now: EndpointRoute,
  modelVersion: string | undefined,
  newSalt: string,
): Traffic | null {
  const champion = requireArm(now, 'champion');
  const challenger = armOf(now, 'challenger');
  if (challenger && (modelVersion === undefined || challenger.modelVersion === modelVersion)) {
    return { arms: [asChampion(challenger)], shadow: null, salt: newSalt };
  }
  if (modelVersion !== undefined && champion.modelVersion === modelVersion && !challenger) return null;
  throw fail('endpoint_no_challenger', { endpoint: now.endpoint, action: 'promote' });
}

/** The champion has all traffic again, nobody sees copies. */
export function withdrawn(now: EndpointRoute): Traffic | null {
  const champion = armOf(now, 'champion');
  if (now.arms.length <= 1 && !now.shadow) return null;
  return { arms: champion ? [asChampion(champion)] : [], shadow: null, salt: now.salt };
}

/** Back to an earlier champion, alone. */
export function rolledBack(earlier: readonly RouteArm[], newSalt: string): Traffic {
  const champion = earlier.find((a) => a.arm === 'champion');
  return { arms: champion ? [asChampion(champion)] : [], shadow: null, salt: newSalt };
}

export function armOf(route: Pick<EndpointRoute, 'arms'>, name: RouteArm['arm']): RouteArm | undefined {
  return route.arms.find((a) => a.arm === name);
}

function requireArm(route: EndpointRoute, name: RouteArm['arm'], action = 'change'): RouteArm {
  const arm = armOf(route, name);
  if (arm) return arm;
  if (name === 'champion') throw fail('endpoint_no_champion', { endpoint: route.endpoint });
  throw fail('endpoint_no_challenger', { endpoint: route.endpoint, action });
}

const pick = ({ modelVersion, packageDigest }: Target): Target => ({ modelVersion, packageDigest });

function asChampion(target: Target): RouteArm {
  return { arm: 'champion', ...pick(target), weight: 1 };
}

/** Weights to four decimals, as fine as the buckets are. */
function split(champion: Target, challenger: Target, weight: number): RouteArm[] {
  const share = Math.round(weight * 10_000) / 10_000;
  return [
    { arm: 'champion', ...pick(champion), weight: Math.round((1 - share) * 10_000) / 10_000 },
    { arm: 'challenger', ...pick(challenger), weight: share },
  ];
}

function sameTarget(a: Target, b: Target): boolean {
  return a.modelVersion === b.modelVersion && a.packageDigest === b.packageDigest;
}

function sameTraffic(now: EndpointRoute, next: Traffic): boolean {
  const shape = ({ arms, shadow, salt }: Traffic) => JSON.stringify([arms, shadow, salt]);
  return shape(now) === shape(next);
}

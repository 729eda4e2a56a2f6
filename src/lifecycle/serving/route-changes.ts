import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { anchorPlaces } from './anchor-places.ts';
import {
  type ArmGuard,
  type declareEndpointSchema,
  defaultArmGuard,
  defaultEndpointOptions,
  type EndpointRoute,
  type RouteArm,
  type Shadow,
} from './contract.ts';

/** What of a route a change may touch. */
export type Traffic = Pick<EndpointRoute, 'arms' | 'shadow' | 'salt'>;

/** A version and its package. */
export interface Target {
  readonly modelVersion: string;
  readonly packageDigest: Digest;
}

/** A version as a caller names it: with its package, or as the registry knows the version. */
export interface NamedTarget {
  readonly modelVersion: string | number;
  readonly packageDigest?: Digest | undefined;
}

/** A version with its place, its share of the traffic and its guard (the default one unless given). */
interface ArmTarget extends Target {
  readonly arm: string;
  readonly weight: number;
  readonly guard?: ArmGuard | undefined;
  /** The number of its anchor, where that is not its own among the arms. */
  readonly place?: number | undefined;
}

/** An arm as a caller names it. */
export type NamedArm = NamedTarget & Pick<ArmTarget, 'arm' | 'weight' | 'guard'>;

/** Kept loaded and warm without traffic. */
const standbyArm = 'standby';

/**
 * Each function gives the traffic after a change, or null when it is so already: asking twice, after a crash
 * for instance, changes nothing. `newSalt` is taken where a new split begins.
 */

/**
 * The endpoint as it is declared; `before` is null where it is new. What is left out stays as it is while the model
 * does: who deploys a version says nothing of entities. Another model begins without arms and without features.
 */
export function declared(
  before: EndpointRoute | null,
  asked: Omit<z.output<typeof declareEndpointSchema>, 'reason'>,
  newSalt: string,
): EndpointRoute | null {
  const { name, model, entityFeature, eventTimeFeature, options } = asked;
  const same = before?.model === model ? before : null;
  const route: EndpointRoute = {
    ...before,
    endpoint: name,
    model,
    routeVersion: before?.routeVersion ?? 0,
    salt: before?.salt ?? newSalt,
    entityFeature: entityFeature === undefined ? (same?.entityFeature ?? null) : entityFeature,
    eventTimeFeature: eventTimeFeature === undefined ? (same?.eventTimeFeature ?? null) : eventTimeFeature,
    options: options ?? before?.options ?? defaultEndpointOptions,
    arms: same?.arms ?? [],
    shadow: same?.shadow ?? null,
  };
  return isDeepStrictEqual(route, before) ? null : route;
}

/** The version gets all traffic. */
export function deployed(now: EndpointRoute, target: Target, newSalt: string): Traffic | null {
  const champion = armOf(now, 'champion');
  if (champion && sameTarget(champion, target) && now.arms.length === 1 && !now.shadow) return null;
  return { arms: [asChampion(target)], shadow: null, salt: newSalt };
}

/**
 * The version becomes challenger with a share of the traffic; a standby stays. Throws `endpoint_no_champion`,
 * `conflict`.
 */
export function challenged(
  now: EndpointRoute,
  target: Target & { readonly guard?: ArmGuard | undefined },
  weight: number,
  shadowRest: boolean,
  newSalt: string,
): Traffic | null {
  const champion = requireArm(now, 'champion');
  refuseChampion(now, champion, target);
  const challenger = armOf(now, 'challenger');
  const same = challenger !== undefined && sameTarget(challenger, target);
  const guard = target.guard ?? (same ? challenger.guard : undefined);
  const others = now.arms.filter((a) => a.arm === standbyArm);
  const place = same ? placed(now).find((a) => a.arm === 'challenger')?.place : undefined;
  const traffic: Traffic = {
    arms: split(champion, [{ ...pick(target), arm: 'challenger', weight, guard, place }, ...others]),
    shadow: shadowRest ? pick(target) : null,
    salt: same ? now.salt : newSalt,
  };
  return sameTraffic(now, traffic) ? null : traffic;
}

/** A fixed split. The salt stays while the same versions have the same names. Throws `endpoint_no_champion`, `conflict`. */
export function splitInto(now: EndpointRoute, arms: readonly ArmTarget[], newSalt: string): Traffic | null {
  const champion = requireArm(now, 'champion');
  for (const arm of arms) refuseChampion(now, champion, arm);
  const names = (list: readonly (Target & { arm: string })[]) =>
    list.map((a) => `${a.arm}/${a.modelVersion}/${a.packageDigest}`).sort();
  const same = names(arms).join() === names(now.arms.filter((a) => a.arm !== 'champion')).join();
  // Named in another order they keep their entities all the same.
  const kept = placed(now).flatMap(({ arm, place }) =>
    arms.filter((a) => a.arm === arm).map((a) => ({ ...a, place })),
  );
  const all = split(champion, same ? kept : arms);
  const traffic = { arms: all, shadow: now.shadow, salt: same ? now.salt : newSalt };
  return sameTraffic(now, traffic) ? null : traffic;
}

/**
 * Shares of some arms change, the champion has the rest; the salt stays. Throws `endpoint_no_challenger`,
 * `endpoint_no_arm`, `conflict` when they exceed 1.
 */
export function weighted(now: EndpointRoute, weights: Readonly<Record<string, number>>): Traffic | null {
  const champion = requireArm(now, 'champion');
  for (const name of Object.keys(weights)) {
    if (name === 'champion') throw fail('conflict', { problem: 'the champion has what the others leave' });
    requireArm(now, name, 'weigh');
  }
  const others = placed(now);
  // An arm may be called like a property that every object has.
  const weightOf = ({ arm, weight }: RouteArm) =>
    (Object.hasOwn(weights, arm) ? weights[arm] : weight) ?? weight;
  const arms = split(
    champion,
    others.map((a) => ({ ...a, weight: weightOf(a) })),
  );
  const traffic = { arms, shadow: now.shadow, salt: now.salt };
  return sameTraffic(now, traffic) ? null : traffic;
}

/** The arms beside the champion with their anchors: what becomes of others moves nobody's entities. */
function placed(now: EndpointRoute): readonly (RouteArm & { readonly place: number | undefined })[] {
  const places = anchorPlaces(now);
  const others = now.arms.filter((a) => a.arm !== 'champion');
  return others.map((a, index) => ({ ...a, place: places[index] }));
}

/** The version is kept warm beside the others. Throws `endpoint_no_champion`, `conflict`. */
export function stoodBy(now: EndpointRoute, target: Target): Traffic | null {
  const champion = requireArm(now, 'champion');
  refuseChampion(now, champion, target);
  const others = placed(now).filter((a) => a.arm !== standbyArm);
  const arms = split(champion, [...others, { ...pick(target), arm: standbyArm, weight: 0 }]);
  const traffic = { arms, shadow: now.shadow, salt: now.salt };
  return sameTraffic(now, traffic) ? null : traffic;
}

/** Standby and champion change places; everybody else loses the traffic. Throws `endpoint_no_arm`. */
export function switched(now: EndpointRoute, newSalt: string): Traffic {
  const champion = requireArm(now, 'champion');
  const standby = requireArm(now, standbyArm, 'switch');
  return {
    arms: split(standby, [{ ...pick(champion), arm: standbyArm, weight: 0 }]),
    shadow: null,
    salt: newSalt,
  };
}

/** Copies go to the version, or to none. Throws `endpoint_no_champion`. */
export function shadowed(now: EndpointRoute, shadow: Shadow | null): Traffic | null {
  if (shadow) requireArm(now, 'champion');
  const traffic = { arms: now.arms, shadow: shadow && pick(shadow), salt: now.salt };
  return sameTraffic(now, traffic) ? null : traffic;
}

/**
 * The arm becomes champion with all traffic. Throws `endpoint_no_challenger` (`endpoint_no_arm`) when there is none, or
 * not of the version that is asked for.
 *
 * @param keepPrevious whether the champion until now stays as standby
 */
export function promoted(
  now: EndpointRoute,
  name: string,
  modelVersion: string | undefined,
  keepPrevious: boolean,
  newSalt: string,
): Traffic | null {
  const champion = requireArm(now, 'champion');
  const arm = armOf(now, name);
  if (arm && (modelVersion === undefined || arm.modelVersion === modelVersion)) {
    const kept = keepPrevious ? [{ ...pick(champion), arm: standbyArm, weight: 0 }] : [];
    return { arms: split(arm, kept), shadow: null, salt: newSalt };
  }
  if (modelVersion !== undefined && champion.modelVersion === modelVersion && !arm) return null;
  throw missing(now, name, 'promote');
}

/** The champion has all traffic, or that of one arm, again; with the arm go the copies for its version. */
export function withdrawn(now: EndpointRoute, name?: string): Traffic | null {
  const champion = armOf(now, 'champion');
  if (name === undefined) {
    if (now.arms.length <= 1 && !now.shadow) return null;
    return { arms: champion ? [asChampion(champion)] : [], shadow: null, salt: now.salt };
  }
  const gone = armOf(now, name);
  if (!gone || !champion || name === 'champion') return null;
  const others = placed(now).filter((a) => a.arm !== name);
  const shadow = now.shadow?.modelVersion === gone.modelVersion ? null : now.shadow;
  return { arms: split(champion, others), shadow, salt: now.salt };
}

/** Back to an earlier champion, alone. */
export function rolledBack(earlier: readonly RouteArm[], newSalt: string): Traffic {
  const champion = earlier.find((a) => a.arm === 'champion');
  return { arms: champion ? [asChampion(champion)] : [], shadow: null, salt: newSalt };
}

export function armOf(route: Pick<EndpointRoute, 'arms'>, name: string): RouteArm | undefined {
  return route.arms.find((a) => a.arm === name);
}

function requireArm(route: EndpointRoute, name: string, action = 'change'): RouteArm {
  const arm = armOf(route, name);
  if (arm) return arm;
  throw missing(route, name, action);
}

function missing({ endpoint }: EndpointRoute, name: string, action: string) {
  if (name === 'champion') return fail('endpoint_no_champion', { endpoint });
  if (name === 'challenger') return fail('endpoint_no_challenger', { endpoint, action });
  return fail('endpoint_no_arm', { endpoint, arm: name, action });
}

function refuseChampion(now: EndpointRoute, champion: RouteArm, { modelVersion }: Target): void {
  if (champion.modelVersion !== modelVersion) return;
  throw fail('conflict', {
    problem: `version ${modelVersion} is the champion of "${now.endpoint}" already`,
  });
}

const pick = ({ modelVersion, packageDigest }: Target): Target => ({ modelVersion, packageDigest });

/** Weights to four decimals, as fine as the buckets are. */
const rounded = (weight: number): number => Math.round(weight * 10_000) / 10_000;

function asChampion(target: Target): RouteArm {
  return { arm: 'champion', ...pick(target), weight: 1 };
}

/** The champion with what the others leave. Arms that may get traffic are guarded. Throws `conflict` beyond 1. */
function split(champion: Target, others: readonly ArmTarget[]): RouteArm[] {
  const arms = others.map(({ arm, weight, guard, place, ...target }, index): RouteArm => {
    const own = { arm, ...pick(target), weight: rounded(weight) };
    if (arm === standbyArm) return own;
    const anchor = place === undefined || place === index ? {} : { place };
    return { ...own, guard: guard ?? defaultArmGuard, ...anchor };
  });
  const rest = rounded(1 - arms.reduce((sum, a) => sum + a.weight, 0));
  if (rest < 0)
    throw fail('conflict', { problem: `the other arms have ${rounded(1 - rest)} of the traffic` });
  return [{ ...asChampion(champion), weight: rest }, ...arms];
}

function sameTarget(a: Target, b: Target): boolean {
  return a.modelVersion === b.modelVersion && a.packageDigest === b.packageDigest;
}

function sameTraffic(now: EndpointRoute, next: Traffic): boolean {
  const shape = ({ arms, shadow, salt }: Traffic) => JSON.stringify([arms, shadow, salt]);
  return shape(now) === shape(next);
}

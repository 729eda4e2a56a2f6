import type { EndpointRoute } from './contract.ts';

/** The number of the anchor of each arm beside the champion, in the route's order; see `allocateBuckets`. */
export function anchorPlaces({ arms }: Pick<EndpointRoute, 'arms'>): readonly number[] {
  return arms.filter(({ arm }) => arm !== 'champion').map(({ place }, index) => place ?? index);
}

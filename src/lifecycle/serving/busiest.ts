import { z } from 'zod';
import type { Endpoint, EndpointOrder } from './contract.ts';

/** Where a page of endpoints ends that are ordered by a count: the last one's count and name. */
export const busyPlaceSchema = z.tuple([z.number(), z.string()]);
export type BusyPlace = z.infer<typeof busyPlaceSchema>;

/** Endpoints of whose last minutes nothing is known are last. */
export const busyPlace = (order: Exclude<EndpointOrder, 'name'>, { lately, name }: Endpoint): BusyPlace => [
  lately?.[order] ?? -1,
  name,
];

/**
 * A page of endpoints, those with the most lately first, then by name. Counts go on while pages are read: an endpoint
 * whose count changes meanwhile may be on two pages, or on none.
 */
export function busiest(
  order: Exclude<EndpointOrder, 'name'>,
  endpoints: readonly Endpoint[],
  page: { readonly after: BusyPlace | undefined; readonly limit: number },
): readonly Endpoint[] {
  const compare = (a: BusyPlace, b: BusyPlace): number =>
    b[0] - a[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0);
  const { after, limit } = page;
  return endpoints
    .map((endpoint) => ({ endpoint, place: busyPlace(order, endpoint) }))
    .filter(({ place }) => after === undefined || compare(after, place) < 0)
    .sort((a, b) => compare(a.place, b.place))
    .slice(0, limit)
    .map(({ endpoint }) => endpoint);
}

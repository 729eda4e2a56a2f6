/** By what the list of endpoints is narrowed and ordered. Pure. */
import { byName } from '../../kit/by-name.ts';
import type { EndpointSort } from '../../kit/endpoints/endpoint-sort.ts';
import { type EndpointStanding, needsLook } from '../../kit/endpoints/endpoint-standing.ts';

export const ENDPOINT_SHOWS = ['attention', 'tried', 'idle'] as const;
export type EndpointShow = (typeof ENDPOINT_SHOWS)[number];

const SHOWS: Readonly<Record<EndpointShow, (standing: EndpointStanding) => boolean>> = {
  attention: needsLook,
  tried: ({ isTried }) => isTried,
  idle: ({ state }) => state === 'none',
};

/** Every word of the query is part of the endpoint's name, its model's, or is a version of its traffic (`v7`). */
export function isShown(
  standing: EndpointStanding,
  search: { readonly query?: string | undefined; readonly show?: EndpointShow | undefined },
): boolean {
  if (search.show && !SHOWS[search.show](standing)) return false;
  const { name, model, arms, shadow } = standing.endpoint;
  const versions = [...arms, ...(shadow ? [shadow] : [])].map((arm) => `v${arm.modelVersion}`.toLowerCase());
  return (search.query ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every(
      (word) =>
        name.toLowerCase().includes(word) || model.toLowerCase().includes(word) || versions.includes(word),
    );
}

/** By name; or those first that changed last, or that have the most predictions or failures of the last five minutes. */
export function inOrderOf(
  sort: EndpointSort,
  standings: readonly EndpointStanding[],
): readonly EndpointStanding[] {
  const weightOf = ({ endpoint }: EndpointStanding): number => {
    if (sort === 'name') return 0;
    return sort === 'changed' ? Date.parse(endpoint.updatedAt) : (endpoint.lately?.[sort] ?? -1);
  };
  return standings.toSorted((a, b) => weightOf(b) - weightOf(a) || byName(a.endpoint.name, b.endpoint.name));
}

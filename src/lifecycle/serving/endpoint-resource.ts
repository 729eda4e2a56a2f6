import { formatTime } from '../../core/time.ts';
import type { Endpoint, LatelyAsked, Replica } from './contract.ts';
import type { StoredEndpoint } from './store.ts';

/** An endpoint as the REST API shows it. */
export function endpointResource(
  { route, createdAtMs, updatedAtMs, retiredAtMs }: StoredEndpoint,
  known: readonly Replica[],
  lately: LatelyAsked | null,
): Endpoint {
  const { endpoint: name, overrideKey: _, ...rest } = route;
  const replicas = known.map(({ id, connected, left, url, endpoints }) => {
    const held = endpoints.find((each) => each.endpoint === name);
    return {
      id,
      connected,
      left,
      url,
      // What is retired is held by none.
      current: retiredAtMs === null ? (held?.routeVersion ?? 0) >= route.routeVersion : !held,
      error: held?.error ?? null,
    };
  });
  return {
    name,
    ...rest,
    createdAt: formatTime(createdAtMs),
    updatedAt: formatTime(updatedAtMs),
    retiredAt: retiredAtMs === null ? null : formatTime(retiredAtMs),
    lately,
    replicas,
  };
}

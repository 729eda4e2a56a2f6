import type { ServingService } from '../../lifecycle/serving/index.ts';

/** Replicas that are named; the endpoint tells of all. */
const mostNamed = 3;

/**
 * Why rows of a step do not come: connected replicas that say that they cannot take its route, and log nothing by it. A
 * clause to go behind what the step waits for; empty where none says so.
 */
export function behindText(
  replicas: ReturnType<ServingService['replicas']>,
  endpoint: string,
  routeVersion: number,
): string {
  const behind = replicas.flatMap(({ id, connected, endpoints }) => {
    const own = endpoints.find((e) => e.endpoint === endpoint);
    const isBehind = connected && own?.error !== undefined && own.routeVersion < routeVersion;
    return isBehind ? [`${id}: ${own.error}`] : [];
  });
  if (behind.length === 0) return '';
  return `; no rows of it come from replicas that cannot take its route (${behind.slice(0, mostNamed).join('; ')})`;
}

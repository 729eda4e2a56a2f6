import { z } from 'zod';
import { formatTime } from '../../core/time.ts';
import type { StoredAuditEntry } from '../../platform/journal/index.ts';
import type { ModelCard } from './contract.ts';

const share = z.object({ version: z.string(), weight: z.number() });
/**
 * What serving writes into the audit trail of a route: who had how much of the traffic. Entries of earlier versions have
 * the arms beside `model`.
 */
const routeSchema = z.object({
  model: z.string(),
  arms: z.record(z.string(), share).optional(),
  champion: share.optional(),
  challenger: share.optional(),
  shadow: z.string().nullable(),
});

/** A change of what traffic a version has on an endpoint. */
type TrafficChange = ModelCard['history'][number] & { readonly endpoint: string };

/** What traffic a version had and lost, read from the audit trail of the endpoints, in its order. */
export function rolloutHistory(
  entries: readonly StoredAuditEntry[],
  model: string,
  version: number,
): readonly TrafficChange[] {
  return entries.flatMap((entry) => {
    const before = trafficOf(entry.before, model, String(version));
    const after = trafficOf(entry.after, model, String(version));
    if (before === after) return [];
    const endpoint = entry.subject.id;
    const what = `endpoint ${endpoint}: ${after ?? 'no traffic any more'}`;
    const by = `${entry.actor.kind}:${entry.actor.id}`;
    return [{ at: formatTime(entry.atMs), by, what, reason: entry.reason, endpoint }];
  });
}

/** The traffic of a version in a route, in words; undefined when it has none. */
function trafficOf(route: unknown, model: string, version: string): string | undefined {
  const parsed = routeSchema.safeParse(route);
  if (!parsed.success || parsed.data.model !== model) return undefined;
  const { champion, challenger, shadow, arms = { champion, challenger } } = parsed.data;
  const [name, had] = Object.entries(arms).find(([, arm]) => arm?.version === version) ?? [];
  if (name !== undefined && had) {
    const arm = name === 'champion' || name === 'challenger' ? name : `arm "${name}"`;
    return `${arm} with ${percent(had.weight)} of the traffic`;
  }
  return shadow === version ? 'copies of the traffic' : undefined;
}

function percent(weight: number): string {
  return `${Number((weight * 100).toFixed(2))} %`;
}

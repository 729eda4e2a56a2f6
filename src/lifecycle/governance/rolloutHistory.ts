import { z } from 'zod';
import { formatTime } from '../../core/time.ts';
import type { StoredAuditEntry } from '../../platform/journal/index.ts';
import type { ModelCard } from './contract.ts';

const share = z.object({ version: z.string(), weight: z.number() });
/** What serving writes into the audit trail of a route: who had how much of the traffic. */
const routeSchema = z.object({
  model: z.string(),
  champion: share.optional(),
  challenger: share.optional(),
  shadow: z.string().nullable(),
});

/** What traffic a version had and lost, read from the audit trail of the endpoints. */
export function rolloutHistory(
  entries: readonly StoredAuditEntry[],
  model: string,
  version: number,
): ModelCard['history'] {
  return entries.flatMap((entry) => {
    const before = trafficOf(entry.before, model, String(version));
    const after = trafficOf(entry.after, model, String(version));
    if (before === after) return [];
    const what = `endpoint ${entry.subject.id}: ${after ?? 'no traffic any more'}`;
    return [
      { at: formatTime(entry.atMs), by: `${entry.actor.kind}:${entry.actor.id}`, what, reason: entry.reason },
    ];
  });
}

/** The traffic of a version in a route, in words; undefined when it has none. */
function trafficOf(route: unknown, model: string, version: string): string | undefined {
  const parsed = routeSchema.safeParse(route);
  if (!parsed.success || parsed.data.model !== model) return undefined;
  const { champion, challenger, shadow } = parsed.data;
  if (champion?.version === version) return `champion with ${percent(champion.weight)} of the traffic`;
  if (challenger?.version === version) return `challenger with ${percent(challenger.weight)} of the traffic`;
  return shadow === version ? 'copies of the traffic' : undefined;
}

function percent(weight: number): string {
  return `${Number((weight * 100).toFixed(2))} %`;
}

import { formatTime } from '../../../core/time.ts';
import type { RestoredControl } from '../contract.ts';

/** Says what a control that was restored from an older backup has lost, as far as a replica's reports tell, and what to do. */
export function restoredReason({ replicaId, fromMs, toMs }: RestoredControl): string {
  const from = fromMs === null ? 'the backup, which does not know that replica,' : formatTime(fromMs);
  const to = toMs === null ? 'the restore' : formatTime(toMs);
  return (
    `control was restored from an older backup: what replica "${replicaId}" sent between about ${from} and ${to} is not here, ` +
    'nor are labels, changes of routes, revoked keys and erasures of that time. Put back a newer backup if there is one; ' +
    'else look at the keys (millrace keys), send the labels again, repeat erasures and deployments, and acknowledge this'
  );
}

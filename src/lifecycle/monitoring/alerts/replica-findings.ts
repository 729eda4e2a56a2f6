import { formatTime } from '../../../core/time.ts';
import type { WatchedReplica } from '../contract.ts';

/** What is wrong with a replica, for one endpoint that it serves. */
export interface ReplicaFinding {
  readonly endpoint: string;
  readonly replicaId: string;
  readonly reason: string;
  /** When it was seen last, or how far its clock is ahead, in milliseconds. */
  readonly value: number | null;
}

/**
 * What alerts of a kind there are to be about replicas.
 *
 * @returns `whyOver` tells why an open alert is over; null: it is not, or that is not known
 */
export function replicaFindings(
  kind: 'replica-away' | 'replica-clock',
  replicas: readonly WatchedReplica[],
): {
  readonly findings: readonly ReplicaFinding[];
  readonly whyOver: (endpoint: string, replicaId: string) => string | null;
} {
  const away = kind === 'replica-away';
  const isIll = (replica: WatchedReplica) => (away ? replica.awaySinceMs !== null : replica.clockIsOff);
  const findings = replicas.filter(isIll).flatMap((replica) => {
    const { endpoints, replicaId, awaySinceMs, clockAheadMs } = replica;
    const reason = away ? awayReason(replica) : clockReason(replica);
    return endpoints.map((endpoint) => {
      return { endpoint, replicaId, reason, value: away ? awaySinceMs : clockAheadMs };
    });
  });
  const whyOver = (endpoint: string, replicaId: string) => {
    const replica = replicas.find((r) => r.replicaId === replicaId);
    if (!replica) return `replica "${replicaId}" is forgotten`;
    if (!replica.endpoints.includes(endpoint))
      return `replica "${replicaId}" does not serve ${endpoint} any more`;
    if (isIll(replica) || (away ? !replica.presenceIsKnown : replica.clockIsOff === null)) return null;
    return `replica "${replicaId}" ${away ? 'is back' : 'has the right time again'}`;
  };
  return { findings, whyOver };
}

function awayReason({ replicaId, awaySinceMs }: WatchedReplica): string {
  return (
    `replica "${replicaId}" was not stopped and has been away since ${formatTime(awaySinceMs ?? 0)}: it may still answer ` +
    'by its last routes, and keeps its log until it is back. Look after its process and its network, or forget it with ' +
    `DELETE /api/v1/replicas/${encodeURIComponent(replicaId)} if it will not come back`
  );
}

function clockReason({ replicaId, clockAheadMs }: WatchedReplica): string {
  const seconds = Math.round(Math.abs(clockAheadMs ?? 0) / 1000).toLocaleString('en-US');
  const way = (clockAheadMs ?? 0) > 0 ? 'fast' : 'slow';
  return (
    `the clock of replica "${replicaId}" is ${seconds} s ${way}: its predictions are dated by it, and rollouts leave out ` +
    'what seems to come from before they began. Set it right (chrony, systemd-timesyncd) on that machine, or this one'
  );
}

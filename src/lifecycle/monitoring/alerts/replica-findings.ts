import { formatTime } from '../../../core/time.ts';
import type { ReplicaAlertKind, WatchedReplica } from '../contract.ts';

/** What is wrong with a replica, for one endpoint that it serves. */
interface ReplicaFinding {
  readonly endpoint: string;
  readonly replicaId: string;
  readonly reason: string;
  /** When it was seen last, or how far its clock is ahead, in milliseconds; null of other kinds. */
  readonly value: number | null;
}

interface Judgement {
  /** null: that is not known. */
  readonly isIll: (replica: WatchedReplica, endpoint: string) => boolean | null;
  readonly reason: (replica: WatchedReplica) => string;
  readonly value: (replica: WatchedReplica) => number | null;
  /** What a replica is or does that is well again. */
  readonly over: string;
}

const judgements: Readonly<Record<ReplicaAlertKind, Judgement>> = {
  'replica-away': {
    isIll: ({ awaySinceMs, presenceIsKnown }) => awaySinceMs !== null || (presenceIsKnown ? false : null),
    reason: awayReason,
    value: ({ awaySinceMs }) => awaySinceMs,
    over: 'is back',
  },
  'replica-clock': {
    isIll: ({ clockIsOff }) => clockIsOff,
    reason: clockReason,
    value: ({ clockAheadMs }) => clockAheadMs,
    over: 'has the right time again',
  },
  'replica-hash-key': {
    isIll: ({ otherKeyEndpoints }, endpoint) => otherKeyEndpoints.includes(endpoint),
    reason: keyReason,
    value: () => null,
    over: 'hashes with no other key any more',
  },
};

/**
 * What alerts of a kind there are to be about replicas.
 *
 * @returns `whyOver` tells why an open alert is over; null: it is not, or that is not known
 */
export function replicaFindings(
  kind: ReplicaAlertKind,
  replicas: readonly WatchedReplica[],
): {
  readonly findings: readonly ReplicaFinding[];
  readonly whyOver: (endpoint: string, replicaId: string) => string | null;
} {
  const { isIll, reason, value, over } = judgements[kind];
  const findings = replicas.flatMap((replica) =>
    replica.endpoints
      .filter((endpoint) => isIll(replica, endpoint))
      .map((endpoint) => {
        return { endpoint, replicaId: replica.replicaId, reason: reason(replica), value: value(replica) };
      }),
  );
  const whyOver = (endpoint: string, replicaId: string) => {
    const replica = replicas.find((r) => r.replicaId === replicaId);
    if (!replica) return `replica "${replicaId}" is forgotten`;
    if (!replica.endpoints.includes(endpoint))
      return `replica "${replicaId}" does not serve ${endpoint} any more`;
    return isIll(replica, endpoint) === false ? `replica "${replicaId}" ${over}` : null;
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

function keyReason({ replicaId }: WatchedReplica): string {
  return (
    `replica "${replicaId}" hashes fields of its log with another key than control: labels, searches and erasures by ` +
    "entity do not find its rows. Give it control's key (--log-hash-key, or the file log-hash.key of control's data " +
    'directory) and start it again; what it logged until then stays hashed with the other key'
  );
}

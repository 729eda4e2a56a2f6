/** A replica's state and what a person must know of it. Pure. */
import type { Replica } from '../../../../src/lifecycle/serving/contract.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { formatDuration, formatMoment, plural } from '../../kit/format.ts';

/** So far off, a clock dates predictions wrongly enough to be told. */
const CLOCK_OFF_MS = 5000;

const failedOf = (replica: Replica) => replica.models.filter((model) => model.state === 'failed');
const clockIsOff = ({ clockAheadMs }: Replica): boolean => Math.abs(clockAheadMs ?? 0) >= CLOCK_OFF_MS;

/** One that was told to stop is missed by nobody. */
export function replicaState(replica: Replica): State {
  if (replica.left) return 'none';
  if (!replica.connected || failedOf(replica).length > 0) return 'bad';
  if (
    replica.segmentsDamaged > 0 ||
    replica.shadowDropped > 0 ||
    clockIsOff(replica) ||
    replica.logHashKeyDiffers
  )
    return 'watch';
  return replica.models.some((model) => model.state === 'loading') ? 'running' : 'good';
}

/** Sentences about what is not as usual; none when all is well. */
export function replicaNotes(replica: Replica): readonly string[] {
  const { clockAheadMs, segmentsWaiting, segmentsDamaged, shadowDropped, forgottenAt } = replica;
  const notes: (string | false)[] = [
    replica.left && 'Was told to stop.',
    !replica.connected &&
      !replica.left &&
      'Away: it has ended, or does not reach control and answers by its last known routes.',
    forgottenAt !== null &&
      !replica.connected &&
      `Forgotten at ${formatMoment(Date.parse(forgottenAt))} UTC unless it comes back.`,
    ...failedOf(replica).map(({ error }) => error ?? 'A model does not load.'),
    segmentsWaiting > 0 &&
      !replica.connected &&
      `${plural(segmentsWaiting, 'part')} of its log ${segmentsWaiting === 1 ? 'waits' : 'wait'} with it.`,
    segmentsDamaged > 0 &&
      `${plural(segmentsDamaged, 'part')} of its log set aside: its disk gave back other bytes than it was given.`,
    shadowDropped > 0 &&
      `${plural(shadowDropped, 'copy', 'copies')} for shadows dropped since it started: their queue was full.`,
    clockIsOff(replica) &&
      `Its clock is ${formatDuration(Math.abs(clockAheadMs ?? 0))} ${(clockAheadMs ?? 0) > 0 ? 'ahead' : 'behind'}, and dates its predictions so.`,
    replica.logHashKeyDiffers &&
      'It hashes entities with another log-hash.key than control: no search, label or erasure finds them. Give all replicas control’s key.',
    replica.rivalRefusedAt !== null &&
      `Another process of this name was refused at ${formatMoment(Date.parse(replica.rivalRefusedAt))} UTC.`,
  ];
  return notes.filter((note) => note !== false);
}

/** What is true of all: `3 connected, 1 away`. */
export function replicasText(replicas: readonly Replica[]): string {
  const connected = replicas.filter((replica) => replica.connected).length;
  const away = replicas.filter((replica) => !replica.connected && !replica.left).length;
  const left = replicas.length - connected - away;
  return [`${connected} connected`, away > 0 && `${away} away`, left > 0 && `${left} stopped`]
    .filter(Boolean)
    .join(', ');
}

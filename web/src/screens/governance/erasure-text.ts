import type { Erasure } from '../../../../src/lifecycle/governance/contract.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { formatCount, plural } from '../../kit/format.ts';

export const isUnderWay = ({ status }: Pick<Erasure, 'status'>): boolean => status !== 'done';

const COUNTED: Readonly<Record<string, readonly [one: string, many: string]>> = {
  predictions: ['prediction', 'predictions'],
  labels: ['label or signal', 'labels and signals'],
  waitingLabels: ['label that waited', 'labels that waited'],
  unreadableSegments: ['segment that cannot be read', 'segments that cannot be read'],
  files: ['file', 'files'],
};

/** What went of one part, or what could not be looked into. */
export function erasedText(erased: Readonly<Record<string, number>>): string {
  const counts = Object.entries(erased).filter(([, count]) => count > 0);
  if (counts.length === 0) return 'nothing was there';
  return counts.map(([what, count]) => plural(count, ...(COUNTED[what] ?? [what, what]))).join(', ');
}

/** What is not erased though the erasure is done, each in a sentence; none where all is. */
export function remainders(
  erasure: Pick<Erasure, 'parts' | 'outstanding' | 'otherKeys' | 'left'>,
): readonly string[] {
  const { parts, outstanding, otherKeys, left } = erasure;
  const unread = parts.reduce((sum, { erased }) => sum + (erased.unreadableSegments ?? 0), 0);
  return [
    ...(outstanding === null ? [] : [`${outstanding}: what it brings is erased when it comes.`]),
    ...(unread === 0
      ? []
      : [
          `${plural(unread, 'segment', 'segments')} of the log could not be read: put back from a backup, they are read without the entity.`,
        ]),
    ...otherKeys.map(
      (other) =>
        `${formatCount(other.rows)} rows of ${other.endpoint} were hashed by replica ${other.replicaId} with another log-hash.key (${other.logHashKey}): whether the entity is among them is not known. Erase its hash of the entity too.`,
    ),
    ...left.map(
      ({ dataset, version, rows }) =>
        `Dataset ${dataset} version ${version} has the entity in ${plural(rows, 'row', 'rows')}. Models may have learnt of it: register a version without, and train again.`,
    ),
  ];
}

export function erasureState(erasure: Erasure): { readonly state: State; readonly word: string } {
  if (erasure.status === 'running') return { state: 'running', word: 'under way' };
  if (erasure.status === 'queued')
    return erasure.problem === null ? { state: 'none', word: 'waits' } : { state: 'bad', word: 'broke off' };
  return remainders(erasure).length > 0
    ? { state: 'watch', word: 'done in part' }
    : { state: 'good', word: 'done' };
}

/** One line for a list: what went, or why it did not yet. */
export function outcomeText(erasure: Erasure): string {
  if (erasure.problem !== null) return erasure.problem;
  if (isUnderWay(erasure))
    return erasure.status === 'queued' ? 'Waits for the one before' : 'Looks through the log';
  const rest = remainders(erasure).length;
  const went = Object.fromEntries(erasure.parts.flatMap(({ erased }) => Object.entries(erased)));
  const { unreadableSegments: _, ...counted } = went;
  const text = erasedText(counted);
  return rest === 0 ? text : `${text}; ${plural(rest, 'thing', 'things')} left to do`;
}

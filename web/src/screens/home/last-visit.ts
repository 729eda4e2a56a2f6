import type { TurnSummary } from '../../../../src/loop/contract.ts';
import { plural } from '../../kit/format.ts';

const KEY = 'millrace.visit';
const PAUSE_MS = 30 * 60_000;

/** When this person was here before: a pause of half an hour starts a new visit. Null on the first one. */
export function readLastVisit(storage: Storage, nowMs: number): number | null {
  const [previous = Number.NaN, seen = Number.NaN] = (storage.getItem(KEY) ?? '').split(' ').map(Number);
  const fresh = Number.isFinite(seen) && nowMs - seen > PAUSE_MS;
  const before = fresh ? seen : previous;
  storage.setItem(KEY, `${Number.isFinite(before) ? before : ''} ${nowMs}`);
  return Number.isFinite(before) && before > 0 ? before : null;
}

/** `3 turns: 2 promoted, 1 rolled back`; null when nothing ended since. */
export function sinceThen(turns: readonly TurnSummary[], sinceMs: number): string | null {
  const ended = turns.filter((turn) => turn.finishedAt !== null && Date.parse(turn.finishedAt) > sinceMs);
  if (ended.length === 0) return null;
  const count = (state: TurnSummary['state']): number => ended.filter((turn) => turn.state === state).length;
  const parts = [
    [count('promoted'), 'promoted'],
    [count('rejected'), 'refused'],
    [count('rolled-back'), 'rolled back'],
    [count('failed'), 'failed'],
    [count('cancelled'), 'cancelled'],
  ] as const;
  return `${plural(ended.length, 'turn')}: ${parts
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${number} ${word}`)
    .join(', ')}`;
}

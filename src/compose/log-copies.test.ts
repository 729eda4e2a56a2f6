import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../core/json.ts';
import { logCopies } from './log-copies.ts';

type Readers = Parameters<typeof logCopies>[0];

/** Replays and batches by their ids and statuses; a cancelled one runs on for some looks, and makes a file at its end. */
function readers(statuses: Readonly<Record<string, string>>, looks: number) {
  const files: string[] = [];
  const [now, left] = [new Map(Object.entries(statuses)), new Map<string, number>()];
  const cancelled: string[] = [];
  const of = (kind: string) => {
    const ids = Object.keys(statuses).filter((id) => id.startsWith(kind));
    const resource = (id: string) => ({
      id,
      status: now.get(id),
      source: { kind: id.includes('file') ? 'file' : 'log' },
    });
    return {
      list: async () => ids.map(resource),
      cancel: async (_: unknown, id: string) => {
        cancelled.push(id);
        left.set(id, looks);
      },
      get: async (_: unknown, id: string) => {
        const more = (left.get(id) ?? 0) - 1;
        left.set(id, more);
        if (more === 0) {
          now.set(id, 'cancelled');
          files.push(id);
        }
        return resource(id);
      },
    };
  };
  const made = async () => files.map((id) => digestOf(id));
  const all = {
    replays: { ...of('replay'), files: made },
    batches: { ...of('batch'), logFiles: async () => [] },
  } as unknown as Readers;
  return { all, cancelled };
}

test('what reads a log is stopped before its files are counted, so that none is made of it afterwards', async () => {
  const { all, cancelled } = readers(
    {
      'replay-1': 'running',
      'replay-2': 'succeeded',
      'batch-1': 'queued',
      'batch-file': 'running',
      'batch-2': 'failed',
    },
    2,
  );
  assert.deepEqual(await logCopies(all), [digestOf('replay-1'), digestOf('batch-1')]);
  assert.deepEqual(cancelled, ['replay-1', 'batch-1']);
});

test('a step that does not stop is named', async () => {
  const { all } = readers({ 'replay-1': 'running' }, Number.POSITIVE_INFINITY);
  await assert.rejects(logCopies(all, 0), { code: 'conflict', message: /step replay-1 still works/ });
});

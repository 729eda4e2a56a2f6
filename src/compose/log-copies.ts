import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../core/errors.ts';
import type { Digest } from '../core/json.ts';
import type { ReplayService } from '../lifecycle/feedback/index.ts';
import type { BatchService } from '../lifecycle/serving/index.ts';
import { systemActor as system } from '../platform/access/index.ts';

interface Readers {
  readonly replays: Pick<ReplayService, 'list' | 'get' | 'cancel' | 'files'>;
  readonly batches: Pick<BatchService, 'list' | 'get' | 'cancel' | 'logFiles'>;
}

const everything = { limit: Number.MAX_SAFE_INTEGER, afterId: undefined };
const reason = 'an entity is erased from the log that it reads; begin it again';
const pollMs = 100;

const isUnderWay = ({ status }: { readonly status: string }): boolean =>
  status === 'queued' || status === 'running';

/**
 * The files that replays and batches have made of logs. Those under way are stopped before: what they have read has the
 * entity still, and so would what they make of it later. Throws `conflict` for one that does not end in time.
 *
 * @param waitMs as long as a worker may take to hear that it is to stop, also one that is lost
 */
export async function logCopies({ replays, batches }: Readers, waitMs = 45_000): Promise<readonly Digest[]> {
  const overLogs = (await batches.list(system, everything)).filter(({ source }) => source.kind === 'log');
  const readers = [
    ...(await replays.list(system, everything)).map((replay) => ({ ...replay, of: replays })),
    ...overLogs.map((batch) => ({ ...batch, of: batches })),
  ].filter(isUnderWay);
  for (const { id, of } of readers) await of.cancel(system, id, reason);
  const deadlineMs = performance.now() + waitMs;
  for (const { id, of } of readers) {
    while (isUnderWay(await of.get(system, id))) {
      const problem = `step ${id} still works with rows of the log, and has not stopped when it was told to`;
      if (performance.now() > deadlineMs) throw fail('conflict', { problem });
      await sleep(pollMs);
    }
  }
  return [...(await replays.files()), ...(await batches.logFiles())];
}

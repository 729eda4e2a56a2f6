import type { CommandCall } from '../command.ts';
import { jobResource } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, lasted, more, none } from '../format/text.ts';
import { limitOf } from './limit-of.ts';

/** `millrace jobs` */
export async function jobs(call: CommandCall): Promise<undefined> {
  const query = { status: call.option('status'), kind: call.option('kind') };
  const list = await call.api.list('jobs', jobResource, limitOf(call, 20), query);
  call.show(list, () =>
    list.items.length === 0
      ? 'No job.'
      : table(
          [
            { head: 'kind', value: (job) => job.kind },
            { head: 'status', value: (job) => job.status },
            { head: 'attempt', value: (job) => job.attempt, align: 'right' },
            { head: 'worker', value: (job) => job.worker ?? none },
            { head: 'created', value: (job) => ago(job.createdAt, call.nowMs) },
            { head: 'took', value: (job) => lasted(job.startedAt, job.finishedAt, call.nowMs) },
            { head: 'job', value: (job) => job.id },
            { head: 'error', value: (job) => job.error?.message ?? '' },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

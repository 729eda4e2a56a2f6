import { z } from 'zod';
import { formatDuration } from '../../../core/time.ts';
import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { type Replica, replicaSchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, count, none } from '../format/text.ts';

const listSchema = z.object({ items: z.array(replicaSchema), next: z.null() });
/** From here on a clock is worth a word; control warns of a minute. */
const clockWorthTellingMs = 5000;

/** `millrace replicas` */
export async function replicas(call: CommandCall): Promise<undefined> {
  const list = await call.api.get('replicas', listSchema);
  call.show(list, () =>
    list.items.length === 0
      ? 'No replica yet: start one with "millrace serve" (millrace up has one).'
      : table(
          [
            { head: 'replica', value: (replica) => replica.id },
            { head: 'state', value: (replica) => stateOf(replica, call.nowMs) },
            { head: 'answers at', value: (replica) => replica.url ?? none },
            { head: 'endpoints', value: (replica) => replica.endpoints.length, align: 'right' },
            { head: 'log waits', value: (replica) => replica.segmentsWaiting, align: 'right' },
            { head: 'what is wrong', value: (replica) => problemsOf(replica).join('; ') || none },
          ],
          list.items,
          call.width,
        ),
  );
}

/** `millrace replicas forget <replica> --reason …` */
export async function forgetReplica(call: CommandCall): Promise<undefined> {
  const [id, reason] = [call.at(0), call.needed('reason')];
  const path = `/api/v1/replicas/${part(id)}`;
  await call.api.client.call(path, { method: 'DELETE', body: { reason }, schema: z.undefined() });
  call.show({ id }, () => `Replica ${id} is forgotten; what it still brings is taken.`);
}

function stateOf({ connected, left, lastSeenAt }: Replica, nowMs: number): string {
  if (connected) return 'connected';
  return `${left ? 'stopped' : 'away'}, seen ${ago(lastSeenAt, nowMs)}`;
}

function problemsOf(replica: Replica): readonly string[] {
  const { connected, endpoints, models, segmentsDamaged, clockAheadMs, rivalRefusedAt, logHashKeyDiffers } =
    replica;
  const offMs = Math.abs(clockAheadMs ?? 0);
  return [
    ...endpoints.flatMap(({ endpoint, error }) => (error ? [`${endpoint}: ${error}`] : [])),
    ...(connected && models.some(({ state }) => state === 'loading') ? ['loads models'] : []),
    ...(segmentsDamaged > 0 ? [`${count(segmentsDamaged, 'damaged part')} of its log`] : []),
    ...(offMs > clockWorthTellingMs
      ? [`its clock is ${formatDuration(offMs)} ${(clockAheadMs ?? 0) > 0 ? 'ahead' : 'behind'}`]
      : []),
    ...(logHashKeyDiffers
      ? ['it hashes entities with another log-hash.key than control: no search and no erasure finds them']
      : []),
    ...(rivalRefusedAt ? ['another process has its name and was refused'] : []),
  ];
}

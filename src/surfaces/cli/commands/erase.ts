import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { erasureSchema } from '../contract.ts';
import { facts } from '../format/table.ts';
import { count } from '../format/text.ts';

type Erasure = z.output<typeof erasureSchema>;

const pollMs = 250;
/** After so many it takes long enough to say that nobody has to wait. */
const longPolls = 40;

/** `millrace erase --entity … --reason … [--endpoint …]`: begins an erasure, waits for its end and tells what went. */
export async function erase(call: CommandCall): Promise<undefined> {
  const body = {
    entity: call.needed('entity'),
    endpoint: call.option('endpoint') ?? null,
    reason: call.needed('reason'),
  };
  let erasure = await call.api.post('erasures', body, erasureSchema);
  let toldOf: string | null = null;
  for (let polls = 0; erasure.status !== 'done'; polls++) {
    if (polls === longPolls && !call.json)
      call.note(
        `It goes on also without this command: GET /api/v1/erasures/${erasure.id} tells how far it is`,
      );
    if (erasure.problem !== null && erasure.problem !== toldOf) {
      toldOf = erasure.problem;
      call.note(`It broke off, and is tried again: ${erasure.problem}`);
    }
    await sleep(pollMs);
    erasure = await call.api.get(`erasures/${part(erasure.id)}`, erasureSchema);
  }
  call.show(erasure, () => text(erasure));
}

function text({ parts, attempts, outstanding, otherKeys, left }: Erasure): string {
  const told = parts.map(({ name, erased }): [string, string] => [
    name,
    Object.entries(erased)
      .map(([what, number]) => `${what} ${number.toLocaleString('en-US')}`)
      .join(', '),
  ]);
  const before = `${count(attempts - 1, 'attempt')} broke off: what went then is not counted`;
  const later = `${outstanding}: what it brings is erased when it comes`;
  const others = otherKeys.map((other): [string, string] => [
    'NOT SEARCHED',
    `${other.rows.toLocaleString('en-US')} rows of ${other.endpoint} from ${other.from} to ${other.to}: replica ${other.replicaId} hashed their entities with another log-hash.key (${other.logHashKey}). Erase its hash of the entity too; docs/serving/log-and-labels.md tells how`,
  ]);
  const notReached = left.map(({ dataset, version, rows }): [string, string] => [
    'not reached',
    `dataset ${dataset} version ${version}: ${count(rows, 'row')}`,
  ]);
  return facts([
    ...told,
    ...(attempts > 1 ? [['before', before] as [string, string]] : []),
    ...(outstanding === null ? [] : [['later', later] as [string, string]]),
    ...others,
    ...notReached,
  ]);
}

import type { CommandCall } from '../command.ts';
import { erasureSchema } from '../contract.ts';
import { facts } from '../format/table.ts';

/** `millrace erase --entity … --reason … [--endpoint …]` */
export async function erase(call: CommandCall): Promise<undefined> {
  const body = {
    entity: call.needed('entity'),
    endpoint: call.option('endpoint') ?? null,
    reason: call.needed('reason'),
  };
  const erasure = await call.api.post('erasures', body, erasureSchema);
  call.show(erasure, () => {
    const told = erasure.parts.map(({ name, erased }): [string, string] => [
      name,
      Object.entries(erased)
        .map(([what, count]) => `${what} ${count.toLocaleString('en-US')}`)
        .join(', '),
    ]);
    const later = `${erasure.outstanding}: what it brings is erased when it comes`;
    const left = erasure.left.map(({ dataset, version, rows }): [string, string] => [
      'not reached',
      `dataset ${dataset} version ${version}: ${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}`,
    ]);
    const otherKeys = erasure.otherKeys.map((other): [string, string] => [
      'NOT SEARCHED',
      `${other.rows.toLocaleString('en-US')} rows of ${other.endpoint} from ${other.from} to ${other.to}: replica ${other.replicaId} hashed their entities with another log-hash.key (${other.logHashKey}). Erase its hash of the entity too; docs/serving/log-and-labels.md tells how`,
    ]);
    return facts([
      ...told,
      ...(erasure.outstanding === null ? [] : [['later', later] as [string, string]]),
      ...otherKeys,
      ...left,
    ]);
  });
}

import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { type Endpoint, endpointSchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, more, none, percent } from '../format/text.ts';
import { limitOf } from './limit-of.ts';

/** `millrace endpoints` */
export async function endpoints(call: CommandCall): Promise<undefined> {
  const life = call.has('retired') ? 'retired' : 'active';
  const list = await call.api.list('endpoints', endpointSchema, limitOf(call, 50), { life });
  call.show(list, () =>
    list.items.length === 0
      ? life === 'retired'
        ? 'No endpoint is retired.'
        : 'No endpoint yet. Deploy a registered version (millrace deploy <model> <version> --reason <text>) or apply a loop (millrace apply loop.yaml).'
      : table(
          [
            { head: 'endpoint', value: (endpoint) => endpoint.name },
            { head: 'model', value: (endpoint) => endpoint.model },
            ...(list.items.some(({ options }) => options.environment)
              ? [{ head: 'environment', value: ({ options }: Endpoint) => options.environment ?? none }]
              : []),
            { head: 'traffic', value: traffic },
            { head: 'route', value: (endpoint) => endpoint.routeVersion, align: 'right' },
            { head: 'changed', value: (endpoint) => ago(endpoint.updatedAt, call.nowMs) },
            { head: 'replicas', value: replicas },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

/** `millrace endpoint retire <endpoint> --reason …` */
export async function retire(call: CommandCall): Promise<undefined> {
  const name = call.at(0);
  const body = { reason: call.needed('reason') };
  const retired = await call.api.delete(`endpoints/${part(name)}`, body, endpointSchema);
  call.show(
    retired,
    () =>
      `${name} is retired: nothing answers there. Its log stays; to have it again: millrace deploy ${retired.model} <version> --endpoint ${name}`,
  );
}

/** Who answers how much: `champion 3 90%, challenger 4 10%, shadow 4`. */
function traffic({ arms, shadow }: Endpoint): string {
  const parts = arms.map((arm) => `${arm.arm} ${arm.modelVersion} ${percent(arm.weight)}`);
  if (shadow) parts.push(`shadow ${shadow.modelVersion}`);
  return parts.join(', ') || 'no model deployed';
}

function replicas(endpoint: Endpoint): string {
  if (endpoint.replicas.length === 0 || endpoint.arms.length === 0) return none;
  return endpoint.replicas
    .map((replica) => {
      const state = replica.error ?? (replica.current ? 'serves it' : 'not yet there');
      return `${replica.id}: ${replica.connected ? state : replica.left ? 'stopped' : 'away'}`;
    })
    .join(', ');
}

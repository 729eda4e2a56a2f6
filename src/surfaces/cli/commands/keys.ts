import { parseDuration } from '../../../core/time.ts';
import { part } from '../Api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import { createdEndpointKeySchema, type EndpointKey, endpointKeySchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, more } from '../format/text.ts';
import { limitOf } from './limitOf.ts';

/** `millrace keys`: keys of endpoints, newest first. */
export async function keys(call: CommandCall): Promise<undefined> {
  const list = await call.api.list('endpoint-keys', endpointKeySchema, limitOf(call, 50));
  call.show(list, () =>
    list.items.length === 0
      ? 'No key yet: millrace keys create <name> --endpoint <endpoint> --reason <text>'
      : table(
          [
            { head: 'name', value: (key) => key.name },
            { head: 'key', value: (key) => `${key.hint}…` },
            { head: 'endpoints', value: (key) => key.endpoints?.join(', ') ?? 'all' },
            { head: 'may', value: (key) => key.actions.join(', ') },
            { head: 'state', value: (key) => stateOf(key, call.nowMs) },
            { head: 'created', value: (key) => ago(key.createdAt, call.nowMs) },
            { head: 'id', value: (key) => key.id },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

/** `millrace keys create <name> --endpoint … --reason …` */
export async function createKey(call: CommandCall): Promise<undefined> {
  const endpoints = call.all('endpoint');
  if (endpoints.length === 0 && !call.has('all')) {
    throw new UsageError('name the endpoints that the key opens (--endpoint), or say --all');
  }
  const lasts = call.option('expires');
  const created = await call.api.post(
    'endpoint-keys',
    {
      name: call.at(0),
      endpoints: call.has('all') ? null : endpoints,
      actions: call.has('inspect-only') ? ['inspect'] : ['predict'],
      expiresAt: lasts === undefined ? null : new Date(call.nowMs + parseDuration(lasts)).toISOString(),
      reason: call.needed('reason'),
    },
    createdEndpointKeySchema,
  );
  call.show(created, () => created.key);
  if (!call.json) call.note('This is the only time that the key is shown.');
  return undefined;
}

/** `millrace keys revoke <id> --reason …` */
export async function revokeKey(call: CommandCall): Promise<undefined> {
  const path = `endpoint-keys/${part(call.at(0))}/revoke`;
  const revoked = await call.api.post(path, { reason: call.needed('reason') }, endpointKeySchema);
  call.show(revoked, () => `Key ${revoked.name} (${revoked.hint}…) opens nothing any more.`);
  return undefined;
}

function stateOf({ revokedAt, expiresAt }: EndpointKey, nowMs: number): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'open';
  return Date.parse(expiresAt) <= nowMs ? 'expired' : `until ${expiresAt.slice(0, 16)}`;
}

import { parseDuration } from '../../../core/time.ts';
import { part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import {
  type CreateEndpointKey,
  createdEndpointKeySchema,
  type EndpointKey,
  endpointKeySchema,
  endpointSchema,
} from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, more } from '../format/text.ts';
import { limitOf } from './limit-of.ts';

const askForKeys = 'its option requireKey is true (POST /api/v1/endpoints; docs/serving/operations.md)';

/** Loaded on demand: only files of keys need more of the slice than its contract. */
const keyFiles = () => import('../../../lifecycle/serving/index.ts');

/** `millrace keys`: keys of endpoints or of a file, newest first. */
export async function keys(call: CommandCall): Promise<undefined> {
  const limit = limitOf(call, 50);
  const file = call.option('file');
  const list = file
    ? { items: (await (await keyFiles()).keysOfFile(file)).slice(0, limit), next: null }
    : await call.api.list('endpoint-keys', endpointKeySchema, limit);
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
            { head: 'id', value: (key) => key.id, isWhole: true },
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
  const input: CreateEndpointKey = {
    name: call.at(0),
    endpoints: call.has('all') ? null : [...endpoints],
    actions: [
      call.has('inspect-only') ? 'inspect' : 'predict',
      ...(call.has('manage') ? ['manage' as const] : []),
    ],
    expiresAt: lasts === undefined ? null : new Date(call.nowMs + parseDuration(lasts)).toISOString(),
    reason: call.needed('reason'),
  };
  const file = call.option('file');
  const created = file
    ? await (await keyFiles()).createKeyInFile(file, input, `user:${call.user}`, call.nowMs)
    : await call.api.post('endpoint-keys', input, createdEndpointKeySchema);
  call.show(created, () => created.key);
  if (!call.json) call.note('This is the only time that the key is shown.');
  for (const endpoint of file ? [] : endpoints) {
    const problem = await call.api.get(`endpoints/${part(endpoint)}`, endpointSchema).then(
      ({ options }) => !options.requireKey && `"${endpoint}" answers without a key too, until ${askForKeys}.`,
      (error: { code?: string }) => {
        if (error.code !== 'not_found') throw error;
        return `There is no endpoint "${endpoint}" yet; see millrace endpoints.`;
      },
    );
    if (problem) call.note(problem);
  }
  return undefined;
}

/** `millrace keys revoke <id> --reason …` */
export async function revokeKey(call: CommandCall): Promise<undefined> {
  const [id, reason, file] = [call.at(0), call.needed('reason'), call.option('file')];
  const revoked = file
    ? await (await keyFiles()).revokeKeyInFile(file, id, reason, call.nowMs)
    : await call.api.post(`endpoint-keys/${part(id)}/revoke`, { reason }, endpointKeySchema);
  call.show(revoked, () => `Key ${revoked.name} (${revoked.hint}…) opens nothing any more.`);
  return undefined;
}

function stateOf({ revokedAt, expiresAt }: EndpointKey, nowMs: number): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'open';
  return Date.parse(expiresAt) <= nowMs ? 'expired' : `until ${expiresAt.slice(0, 16)}`;
}

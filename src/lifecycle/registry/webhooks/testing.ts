import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { OpenDatabase } from '../../../platform/db/testing.ts';
import { Outbound, type Resolve } from '../../../platform/outbound/index.ts';
import { fernetBox, newFernetKey } from '../../../platform/secrets/index.ts';
import { openRegistry } from '../testing.ts';
import { createWebhooks } from './service.ts';

export interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly path: string | undefined;
}

/** A receiver on this machine that answers with these statuses in turn (then 200) and keeps what it was sent. */
export async function receiver(
  t: TestContext,
  statuses: readonly number[] = [],
  headers: Readonly<Record<string, string>> = {},
) {
  const got: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    got.push({ headers: request.headers, body, path: request.url });
    response.writeHead(statuses[got.length - 1] ?? 200, headers).end('noted');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got };
}

interface WebhookTestOptions {
  readonly resolve?: Resolve;
  readonly allowPrivateAddresses?: boolean;
  readonly maxRetries?: number;
}

/** Webhooks over the registry; private addresses and http are allowed unless told otherwise. */
export async function openWebhooks(t: TestContext, open: OpenDatabase, options: WebhookTestOptions = {}) {
  const opened = await openRegistry(t, open);
  const { db, journal, jobs, clock } = opened;
  const { resolve, allowPrivateAddresses = true, maxRetries = 2 } = options;
  const policy = { allowedSchemes: ['https', 'http'], allowPrivateAddresses };
  const deps = {
    db,
    journal,
    jobs,
    clock,
    maxRetries,
    outbound: new Outbound(policy, resolve),
    secrets: fernetBox(newFernetKey(), 'key'),
    timeoutMs: 5_000,
    random: () => 0,
  };
  return { ...opened, deps, webhooks: createWebhooks(deps) };
}

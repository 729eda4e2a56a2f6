import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isPublicAddress, Outbound, OutboundRefused } from './index.ts';

const strict = { allowedSchemes: ['https'], allowPrivateAddresses: false };
const open = { allowedSchemes: ['http', 'https'], allowPrivateAddresses: true };

async function listening(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const post = { headers: {}, body: '{}', timeoutMs: 60_000 };

test('addresses that are not public', () => {
  const refused = [
    ['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.31.0.1'],
    ['192.0.0.1', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1'],
    ['255.255.255.255', '::', '::1', '::ffff:10.0.0.1', '::ffff:7f00:1', '::10.0.0.1', '64:ff9b::10.0.0.1'],
    ['64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '2002:a00:1::', '2002:7f00:1::1', '2001::1', '2001:db8::1'],
    [
      'fc00::1',
      'fd12:3456::1',
      'fe80::1',
      'fe80::1%eth0',
      'ff02::1',
      '3fff::1',
      '100::1',
      '5f00::1',
      'x',
      '',
    ],
  ].flat();
  assert.deepEqual(refused.filter(isPublicAddress), []);
  const allowed = ['8.8.8.8', '1.1.1.1', '100.128.0.1', '172.32.0.1', '192.0.1.1', '93.184.216.34'];
  const allowedV6 = ['2606:4700::1111', '2a00:1450:4001::200e', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'];
  const all = [...allowed, ...allowedV6, '2002:808:808::1'];
  assert.deepEqual(all.filter(isPublicAddress), all);
});

test('an address is refused before anything is sent', async (t) => {
  let calls = 0;
  const port = await listening(t, (_, response) => {
    calls += 1;
    response.end();
  });
  const names: Readonly<Record<string, readonly string[]>> = {
    'internal.example': ['10.0.0.1'],
    'mixed.example': ['93.184.216.34', '127.0.0.1'],
    'mapped.example': ['::ffff:192.168.0.1'],
    'empty.example': [],
  };
  const outbound = new Outbound({ ...strict, allowedSchemes: ['http', 'https'] }, async (host) => {
    const found = names[host];
    if (!found) throw new Error(`no such host ${host}`);
    return found;
  });
  const cases: readonly (readonly [string, OutboundRefused['kind']])[] = [
    [`http://127.0.0.1:${port}/`, 'not-public'],
    [`http://2130706433:${port}/`, 'not-public'],
    [`http://0177.0.0.1:${port}/`, 'not-public'],
    [`http://0x7f.1:${port}/`, 'not-public'],
    [`http://127.1:${port}/`, 'not-public'],
    ['http://169.254.169.254/latest/meta-data', 'not-public'],
    ['http://[::1]/', 'not-public'],
    ['http://[::ffff:10.0.0.1]/', 'not-public'],
    ['http://[::ffff:a9fe:a9fe]/', 'not-public'],
    ['https://internal.example/', 'not-public'],
    ['https://mixed.example/', 'not-public'],
    ['https://mapped.example/', 'not-public'],
    ['https://user:secret@internal.example/', 'not-public'],
    ['https://empty.example/', 'unresolvable'],
    ['https://unknown.example/', 'unresolvable'],
    ['ftp://93.184.216.34/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['93.184.216.34', 'scheme'],
    ['http://[invalid', 'malformed'],
    ['http://exa mple/', 'malformed'],
    ['https://', 'no-host'],
    ['https:///path', 'no-host'],
    ['https:example.com', 'no-host'],
  ];
  for (const [url, kind] of cases) {
    const isRefused = (error: unknown) => error instanceof OutboundRefused && error.kind === kind;
    await assert.rejects(outbound.check(url), isRefused, `check ${url}`);
    await assert.rejects(outbound.post(url, post), isRefused, `post ${url}`);
  }
  assert.equal(calls, 0);
});

test('the connection goes to the address that was checked, however the name is resolved later', async (t) => {
  const hosts: (string | undefined)[] = [];
  const port = await listening(t, (request, response) => {
    hosts.push(request.headers.host);
    response.end('here');
  });
  let asked = 0;
  // A name that turns to this machine after it was checked.
  const rebinding = async () => {
    asked += 1;
    return asked === 1 ? ['93.184.216.34'] : ['127.0.0.1'];
  };
  const guarded = new Outbound({ ...open, allowPrivateAddresses: false }, rebinding);
  await guarded.check(`http://rebind.example:${port}/`);
  const refused = { name: 'OutboundRefused', message: /rebind\.example.* is at 127\.0\.0\.1/ };
  await assert.rejects(guarded.post(`http://rebind.example:${port}/`, post), refused);
  assert.deepEqual(hosts, []);
  let resolutions = 0;
  const pinned = new Outbound(open, async () => {
    resolutions += 1;
    return ['127.0.0.1'];
  });
  const answer = await pinned.post(`http://some.example:${port}/`, post);
  assert.deepEqual(
    [answer.status, answer.body, resolutions, hosts],
    [200, 'here', 1, [`some.example:${port}`]],
  );
});

test('redirects are answers, long answers are cut, slow ones are given up', async (t) => {
  const port = await listening(t, (request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    else if (request.url === '/long') response.end('x'.repeat(1_000_000));
    else if (request.url === '/cut') request.socket.destroy();
  });
  const outbound = new Outbound(open);
  const url = `http://127.0.0.1:${port}`;
  const { status, headers } = await outbound.post(`${url}/away`, post);
  assert.deepEqual([status, headers.location], [302, 'http://169.254.169.254/']);
  assert.equal((await outbound.post(`${url}/long`, post)).body.length, 65_536);
  await assert.rejects(outbound.post(`${url}/cut`, post), /socket hang up|ECONNRESET/);
  await assert.rejects(outbound.post(`${url}/slow`, { ...post, timeoutMs: 50 }), { name: 'TimeoutError' });
});

test('TLS asks for the host by its name and checks the certificate', async (t) => {
  const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
  const names: string[] = [];
  const server = createTlsServer({
    key: fixture('hooks.example.key'),
    cert: fixture('hooks.example.crt'),
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const outbound = new Outbound({ ...open, allowedSchemes: ['https'] }, async () => ['127.0.0.1']);
  const untrusted = { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' };
  await assert.rejects(outbound.post(`https://hooks.example:${port}/`, post), untrusted);
  assert.deepEqual(names, ['hooks.example']);
});

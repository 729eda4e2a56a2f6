import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Digest, digestOf } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import { wallClock } from '../../../core/time.ts';
import { everyText } from '../../../platform/db/index.ts';
import { forEachDatabase, type OpenDatabase } from '../../../platform/db/testing.ts';
import { openModel } from '../../../platform/runtimes/index.ts';
import { fernetBox, newFernetKey } from '../../../platform/secrets/index.ts';
import { actor, openServing } from '../testing.ts';
import { createPackageSchema } from './contract.ts';
import { PackageService } from './package-service.ts';
import { RemoteSecrets } from './remote-secrets.ts';

const tensor = { name: 'x', datatype: 'FP64', shape: [-1, 1] };
const answers: Readonly<Record<string, unknown>> = {
  '/v2': { extensions: [] },
  '/v2/models/m': { inputs: [tensor], outputs: [{ ...tensor, name: 'y' }] },
  '/v2/models/m/ready': {},
  '/v2/models/m/config': {},
};

/** A server that answers ada alone, by one of these passwords. */
async function farServer(t: TestContext, ...passwords: readonly string[]) {
  const server = createServer((request, response) => {
    const knows = passwords.some((p) => request.headers.authorization === `Basic ${btoa(`ada:${p}`)}`);
    const answer = answers[request.url ?? ''];
    response.writeHead(!knows ? 401 : answer ? 200 : 404).end(JSON.stringify(answer ?? {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return (password: string) => `http://ada:${password}@${place}`;
}

async function openPackages(t: TestContext, open: OpenDatabase) {
  const serving = await openServing(t, open);
  const { db, blobs } = serving;
  const options = { db, secrets: fernetBox(newFernetKey(), 'key'), clock: wallClock };
  const secrets = new RemoteSecrets(options);
  const versions: Digest[] = [];
  const register = async (_: unknown, { digest }: { readonly digest: Digest }) => {
    if (!versions.includes(digest)) versions.push(digest);
    return versions.indexOf(digest) + 1;
  };
  const packages = new PackageService({ blobs, secrets, register });
  const create = (url: string) =>
    packages.create(
      actor,
      createPackageSchema.parse({ model: 'far', runtime: { kind: 'remote', url, model: 'm' } }),
    );
  return { ...serving, secrets, create, options };
}

forEachDatabase((dialect, open) => {
  test(`a password in the address of a package is kept sealed, and given to who loads it, on ${dialect}`, async (t) => {
    const { db, blobs, secrets, create } = await openPackages(t, open);
    const at = await farServer(t, 'hunter2', 'hunter3');
    const made = await create(at('hunter2'));
    assert.equal(made.version, 1);
    assert.deepEqual(await create(at('hunter2')), made, 'the same package is the same version');
    assert.deepEqual(await create(at('***')), made, 'and so it is with its address as it is shown');

    const text = (await blobs.bytes(made.digest)).toString('utf8');
    const manifest = packageManifestSchema.parse(JSON.parse(text));
    assert.ok(manifest.runtime.kind === 'remote' && manifest.runtime.secret);
    assert.equal(manifest.runtime.url, at('***'));
    const { secret } = manifest.runtime;
    const kept = await Array.fromAsync(everyText(db), (found) => found.text);
    for await (const { digest } of blobs.list()) kept.push((await blobs.bytes(digest)).toString('latin1'));
    assert.doesNotMatch(kept.join('\n'), /hunter2/);

    const context = {
      hosts: { python: null },
      version: '1',
      loadOnnx: () => assert.fail('there is no graph'),
    };
    const bytesOf = async (digest: Digest) => Buffer.from(await secrets.open(actor, digest));
    assert.equal(digestOf(await bytesOf(secret)), secret, 'whoever fetches it checks it as any other part');
    const model = await openModel(manifest, { ...context, bytesOf });
    await model.close();
    await assert.rejects(secrets.open({ kind: 'job', id: 'j' }, secret), { code: 'forbidden' });
    await assert.rejects(secrets.open(actor, made.digest), { code: 'blob_missing' });

    const changed = await create(at('hunter3'));
    assert.notEqual(changed.digest, made.digest);
    assert.equal(changed.version, 2);
  });

  test(`*** stands for no password that is not known, and another key hinders no new one, on ${dialect}`, async (t) => {
    const { secrets, create, options } = await openPackages(t, open);
    const at = await farServer(t, 'hunter2');
    const refused = { code: 'invalid_input', message: /^runtime\.url: .*Give the password/ };
    await assert.rejects(create(at('***')), refused);
    await create(at('hunter2'));
    await assert.rejects(create(at('***').replace('ada', 'bob')), refused);
    const digest = await secrets.keep(at('hunter2'));
    assert.equal(await secrets.keep('http://ada@127.0.0.1'), null);
    const restored = new RemoteSecrets({ ...options, secrets: fernetBox(newFernetKey(), 'new') });
    assert.ok(digest);
    await assert.rejects(restored.open(actor, digest), { code: 'secret_unreadable' });
    assert.notEqual(await restored.keep(at('hunter2')), digest);
  });
});

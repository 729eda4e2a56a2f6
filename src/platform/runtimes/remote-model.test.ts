import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { packageManifestSchema } from '../../core/model-package.ts';
import { logisticPackage } from '../onnx/testing.ts';
import { describeRemote } from './describe-remote.ts';
import { openRemote } from './remote-model.ts';

test('the password of another server goes to that server, and into no error', async (t) => {
  const heard: (string | undefined)[] = [];
  const noParts = () => Promise.reject(new Error('the package has no parts'));
  const server = createServer((request, response) => {
    heard.push(request.headers.authorization);
    response.writeHead(500).end('{"error": "out of order"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `http://ada:hidden@${place}`;
  const remote = {
    kind: 'remote',
    url,
    model: 'm',
    version: null,
    binary: false,
    timeoutMs: 60_000,
  } as const;
  const shown = new RegExp(`the server http://ada:\\*\\*\\*@${place} `);
  const manifest = packageManifestSchema.parse({
    formatVersion: 1,
    model: 'faces',
    contract: null,
    sample: [],
    onnx: null,
    ...logisticPackage(),
    runtime: remote,
  });
  await assert.rejects(describeRemote('faces', remote), { message: shown });
  await assert.rejects(openRemote(manifest, remote, noParts), { message: shown });
  assert.deepEqual(new Set(heard), new Set([`Basic ${btoa('ada:hidden')}`]));
});

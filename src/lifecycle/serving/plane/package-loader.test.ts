import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { testRoute } from '../../../../test/support/serving.ts';
import { canonicalJson } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { logisticPackage } from '../../../platform/onnx/testing.ts';
import { PackageLoader } from './package-loader.ts';

test('a package with a password in the open, as those of before have it, is served, and told of in the log', async (t) => {
  const server = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const directory = await mkdtemp(join(tmpdir(), 'millrace-loader-'));
  t.after(() => rm(directory, { recursive: true }));
  const blobs = await openDirectoryBlobs(directory);
  const logger = createLogger('test', 'silent');
  const told = t.mock.method(logger, 'warn', () => undefined);
  const missing = () => Promise.reject(new Error('all is there'));
  const loader = new PackageLoader(blobs, missing, { python: null }, logger);
  t.after(() => loader.close());
  const loaded = async (url: string): Promise<string> => {
    const manifest = packageManifestSchema.parse({
      formatVersion: 1,
      model: 'far',
      contract: null,
      sample: [],
      onnx: null,
      ...logisticPackage(),
      runtime: { kind: 'remote', url, model: 'm' },
    });
    const { digest } = await blobs.put(canonicalJson(manifest));
    told.mock.resetCalls();
    await loader.ensure(testRoute(digest));
    assert.equal(loader.models.find((model) => model.digest === digest)?.state, 'ready');
    return JSON.stringify(told.mock.calls.map((call) => call.arguments));
  };
  assert.equal(await loaded(`http://${place}`), '[]');
  const warning = await loaded(`http://ada:hunter2@${place}`);
  assert.match(warning, /password of its server in the open.*register it as a new version/);
  assert.doesNotMatch(warning, /hunter2/);
});

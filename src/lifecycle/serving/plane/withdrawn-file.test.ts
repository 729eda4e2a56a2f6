import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTestServing, storePackage, tableOf, testRoute } from '../../../../test/support/serving.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';
import { defaultArmGuard } from '../contract.ts';

const names = ['b', 'c', 'd', 'e', 'f'];

test('arms that lose their traffic at the same moment are all on the disk when the replica has stopped', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-withdrawn-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { blobs, replica, stop } = await startTestServing(t, { directory });
  const packageDigest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  const arms = ['champion', ...names].map((arm, i) => ({
    arm,
    modelVersion: `${i + 1}`,
    packageDigest,
    weight: i === 0 ? 0.5 : 0.1,
    ...(i === 0 ? {} : { guard: defaultArmGuard }),
  }));
  await replica.applyRoutes(tableOf(testRoute(packageDigest, { arms })));
  const counts = { requests: 3, failed: 3, slow: 0, nonFinite: 0 };
  for (const [i, arm] of names.entries()) {
    const told = {
      endpoint: 'test',
      routeVersion: 1,
      arm,
      modelVersion: `${i + 2}`,
      counts,
      reason: 'fails',
      atMs: 1,
    };
    replica.plane.withdraw(told);
    // So that some are written while others come.
    if (i % 2) await new Promise((resolve) => setImmediate(resolve));
  }
  await stop();
  const written = JSON.parse(await readFile(join(directory, 'withdrawn.json'), 'utf8')) as { arm: string }[];
  assert.deepEqual(written.map(({ arm }) => arm).sort(), names);
});

test('what lost its traffic on an endpoint that is gone is not told any more: control knows no such endpoint', async (t) => {
  const { blobs, replica } = await startTestServing(t);
  const packageDigest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  const arms = ['champion', 'b'].map((arm, i) => ({
    arm,
    modelVersion: `${i + 1}`,
    packageDigest,
    weight: 0.5,
    ...(i === 0 ? {} : { guard: defaultArmGuard }),
  }));
  await replica.applyRoutes(tableOf(testRoute(packageDigest, { arms })));
  const counts = { requests: 3, failed: 3, slow: 0, nonFinite: 0 };
  const told = { endpoint: 'test', routeVersion: 1, arm: 'b', modelVersion: '2', counts };
  replica.plane.withdraw({ ...told, reason: 'fails', atMs: 1 });
  assert.equal(replica.plane.withdrawn.length, 1);
  await replica.applyRoutes({ version: 2, endpoints: [] });
  assert.deepEqual(replica.plane.withdrawn, []);
});

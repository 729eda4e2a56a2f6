import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTestServing, storePackage, tableOf, testRoute } from '../../../test/support/serving.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';

const body = { inputs: ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [1, 1], data: [1] })) };

test('a full disk: predictions are refused with the reason, and answered again when there is space', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    await rm(directory, { recursive: true });
    return t.skip('needs the right to mount a file system');
  }
  const { post, blobs, replica, stop } = await startTestServing(t, { directory });
  t.after(async () => {
    await stop();
    execFileSync('umount', [directory]);
    await rm(directory, { recursive: true });
  });
  const digest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  await replica.applyRoutes(tableOf(testRoute(digest)));
  const predict = () => post('/v2/models/test/infer', body);
  assert.equal((await predict()).status, 200);

  const ballast = join(directory, 'ballast');
  await writeFile(ballast, Buffer.alloc(1_000_000)).catch(() => undefined);
  let refused = await predict();
  for (let i = 0; i < 50 && refused.status === 200; i++) refused = await predict();
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('x-millrace-error'), 'prediction_log_unavailable');
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.match(
    String(refused.json.error),
    /could not be logged: no space is left.*Free space, or give back the right to write/,
  );

  await rm(ballast);
  assert.equal((await predict()).status, 200);
});

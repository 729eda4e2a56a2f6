import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRng } from '../../src/core/rng.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startServer } from '../support/server.ts';
import { startTestControl, storePackage } from '../support/serving.ts';

const actor = { kind: 'user', id: 'ada' } as const;
/** MILLRACE_KILL_ROUNDS=100 for the long run. */
const rounds = Number(process.env.MILLRACE_KILL_ROUNDS ?? 20);
const writers = 24;

test(`kill -9 of serve under load, ${rounds} rounds: every acknowledged prediction is in the log`, async (t) => {
  const cleanup: (() => void | Promise<void>)[] = [];
  t.after(async () => {
    for (const fn of cleanup.reverse()) await fn();
  });
  const directory = await mkdtemp(join(tmpdir(), 'millrace-crash-'));
  cleanup.push(() => rm(directory, { recursive: true, force: true }));
  const control = await startTestControl(directory);
  cleanup.push(control.stop);
  const { service, blobs } = control;
  const target = async (version: number) => ({
    modelVersion: String(version),
    packageDigest: await storePackage(blobs, logisticOnnx(version), {
      ...logisticPackage(),
      sample: [{ x1: 0, x2: 0 }],
    }),
  });
  await service.declare(actor, { name: 'delay', model: 'delay-model' });
  await service.deploy(actor, 'delay', await target(1), 'test');
  await service.challenge(actor, 'delay', await target(2), 0.5, 'test', true);
  const serve = await startServer(
    { after: (fn) => cleanup.push(fn) },
    { role: 'serve', controlUrl: control.url },
  );

  const acknowledged: string[] = [];
  let sent = 0;
  const rng = createRng(7);
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await serve.start();
    let killed = false;
    const writer = async () => {
      while (!killed) {
        const id = `r${round}-${sent++}`;
        const x = (sent % 7) / 7;
        const body = JSON.stringify({
          id,
          inputs: ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [1, 1], data: [x] })),
          parameters: { entity: id },
        });
        try {
          const response = await fetch(`${serve.serveUrl}/v2/models/delay/infer`, { method: 'POST', body });
          const answer = (await response.json()) as { id?: string };
          if (response.status === 200) acknowledged.push(answer.id ?? '');
        } catch {
          // Not answered: it may or may not be in the log.
        }
      }
    };
    const load = Promise.all(Array.from({ length: writers }, writer));
    const enough = acknowledged.length + 30 + rng.int(150);
    while (acknowledged.length < enough) await sleep(1);
    await serve.kill();
    killed = true;
    await load;
  }
  await serve.start();
  await service.sealPredictions(300_000);

  const rows = await control.rows('delay');
  const answered = rows.filter((r) => r.arm !== 'shadow').map((r) => String(r.prediction_id));
  const logged = new Set(answered);
  const lost = acknowledged.filter((id) => !logged.has(id));
  t.diagnostic(
    `${acknowledged.length} acknowledged of ${sent} sent, ${logged.size} in the log, ${rows.length} rows`,
  );
  assert.ok(acknowledged.length > rounds * 30, `only ${acknowledged.length} were acknowledged`);
  assert.deepEqual(lost, []);
  const names = rows.map((r) => `${r.prediction_id} ${r.arm === 'shadow'}`);
  assert.equal(new Set(names).size, names.length, 'a row is in the log twice');
});

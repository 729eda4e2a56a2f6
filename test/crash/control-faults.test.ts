import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startPostgres } from '../support/postgres.ts';
import { startServer } from '../support/server.ts';
import { startTestServing, storePackage, tableOf, testRoute } from '../support/serving.ts';
import { smallDisk } from '../support/small-disk.ts';

/** Of waits of 100 ms, before one gives up on what ought to happen. */
const patience = 1800;
const frozenMs = 2000;

test('control frozen, its database restarted, its disk full, itself killed: what was acknowledged counts once, and all goes on', async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.stop());
  const far = await startTestServing(t);
  await far.replica.applyRoutes(
    tableOf(testRoute(await storePackage(far.blobs, logisticOnnx(), logisticPackage()))),
  );
  const disk = await smallDisk('64m');
  const control = await startServer(t, {
    role: 'control',
    env: { MILLRACE_DATABASE_URL: postgres.url },
    ...(disk ? { dataDirectory: disk.directory } : {}),
  });
  if (disk) t.after(disk.remove);
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${control.url}/api/v1/${path}`, {
      method,
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text);
  };
  const runtime = { kind: 'remote', url: far.url, model: 'test' };
  await call('POST', 'packages', { model: 'far', runtime });
  const [one, other] = await Promise.all(
    ['one', 'other'].map((id) => startTestServing(t, { id, controlUrl: control.url })),
  );
  await call('POST', 'deployments', { endpoint: 'far', model: 'far', version: 1, reason: 'test' });

  const predicted = new Set<string>();
  const labelled = new Set<string>();
  let refusedLabels = 0;
  let lastRefusal = '';
  let sent = 0;
  let isOver = false;
  t.after(() => {
    isOver = true;
  });
  const column = (name: string) => ({ name, datatype: 'FP64', shape: [1, 1], data: [1] });
  const predict = async (replica: typeof one) => {
    while (!isOver) {
      const id = `p${sent++}`;
      const inputs = [column('x1'), column('x2')];
      const answer = await replica?.post('/v2/models/far/infer', { id, inputs }).catch(() => null);
      if (answer?.status === 200) predicted.add(id);
      await sleep(10);
    }
  };
  const label = async () => {
    while (!isOver) {
      const ids = [...predicted].filter((id) => !labelled.has(id)).slice(0, 20);
      if (ids.length > 0) {
        const eventTime = Date.now();
        const labels = ids.map((predictionId) => ({ predictionId, value: 1, eventTime }));
        await call('POST', 'labels', { endpoint: 'far', labels }).then(
          () => {
            for (const id of ids) labelled.add(id);
          },
          (error) => {
            refusedLabels++;
            lastRefusal = String(error);
          },
        );
      }
      await sleep(50);
    }
  };
  const load = Promise.all([predict(one), predict(other), label()]);
  const until = async (what: string, holds: () => boolean) => {
    for (let i = 0; !holds(); i++) {
      const now = `${predicted.size} predictions, ${labelled.size} labels, refused ${refusedLabels}: ${lastRefusal}`;
      assert.ok(i < patience, `${what}; ${now}`);
      await sleep(100);
    }
  };
  /** Waits until predictions and labels are taken that were not there before. */
  const goesOn = (what: string) => {
    const before = [predicted.size, labelled.size] as const;
    return until(
      `${what}: no more come`,
      () => predicted.size > before[0] + 20 && labelled.size > before[1] + 20,
    );
  };
  /** Waits until predictions are answered that were not when it began. */
  const answersGoOn = (what: string) => {
    const before = predicted.size;
    return until(`nobody answers while ${what}`, () => predicted.size > before + 2);
  };
  await goesOn('before');
  const pid = control.pid;
  process.kill(pid, 'SIGSTOP');
  t.after(() => control.running && process.kill(control.pid, 'SIGCONT'));
  await sleep(frozenMs);
  await answersGoOn('control is frozen');
  process.kill(pid, 'SIGCONT');
  await goesOn('control was frozen');

  await postgres.restart(async () => {
    const refused = refusedLabels;
    await answersGoOn('the database is away');
    await until('no label met the database away', () => refusedLabels > refused + 2);
  });
  await goesOn('the database was away');
  assert.equal(control.pid, pid, 'control did not outlive its database');

  if (disk) {
    const ballast = join(disk.directory, 'ballast');
    await writeFile(ballast, Buffer.alloc(64 * 1024 * 1024)).catch(() => undefined);
    // What is left of the last page of its file takes some more labels.
    await until('no label met the full disk', () => lastRefusal.includes('disk_full'));
    await answersGoOn("control's disk is full");
    await rm(ballast);
    await goesOn("control's disk was full");
  }

  await control.kill();
  await sleep(500);
  await control.start();
  await goesOn('control was killed');
  isOver = true;
  await load;
  const count = async () => (await call('GET', 'labels/summary?endpoint=far')).total;
  let total = await count();
  for (let i = 0; total.predictions < predicted.size && i < 360; i++) {
    await sleep(500);
    total = await count();
  }
  // One that was not answered may be in the log; none is there twice, so none can stand for another.
  assert.ok(total.predictions >= predicted.size && total.predictions <= sent, JSON.stringify(total));
  assert.ok(total.joined >= labelled.size && total.joined <= predicted.size, JSON.stringify(total));
  assert.equal(total.predictions, total.joined + total.waiting);
  const ids = new Map<string, boolean>();
  for (let after: string | null = null, first = true; first || after; first = false) {
    const page: { items: { predictionId: string; label: unknown }[]; next: string | null } = await call(
      'GET',
      `predictions?endpoint=far&limit=1000${after ? `&after=${encodeURIComponent(after)}` : ''}`,
    );
    for (const { predictionId, label } of page.items) {
      assert.ok(!ids.has(predictionId), `${predictionId} is there twice`);
      ids.set(predictionId, label !== null);
    }
    after = page.next;
  }
  assert.deepEqual(
    [...predicted].filter((id) => !ids.has(id)),
    [],
  );
  assert.deepEqual(
    [...labelled].filter((id) => ids.get(id) !== true),
    [],
  );
});

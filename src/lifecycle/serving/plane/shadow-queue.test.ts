import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServedModel } from './served-model.ts';
import { ShadowQueue, type ShadowTask } from './shadow-queue.ts';

function countingModel() {
  const counts = { acquired: 0, released: 0 };
  const model = {
    acquire: () => counts.acquired++,
    release: () => counts.released++,
  } as unknown as ServedModel;
  return { model, counts };
}

test('what does not fit is dropped and counted; the rest is done and the model given back', async () => {
  const { model, counts } = countingModel();
  const dropped: number[] = [];
  let done = 0;
  const queue = new ShadowQueue(
    10,
    () => false,
    (_, rows) => dropped.push(rows),
  );
  const task = (rowCount: number): ShadowTask => ({
    endpoint: 'e',
    model,
    rowCount,
    run: async () => {
      done += rowCount;
    },
  });
  for (const rows of [4, 4, 4, 2]) queue.offer(task(rows));
  await queue.drained();
  assert.equal(done, 10);
  assert.equal(queue.dropped, 4);
  assert.deepEqual(dropped, [4]);
  assert.deepEqual(counts, { acquired: 3, released: 3 });
});

test('copies wait for a gap, but whoever waits for them gets them', async () => {
  const { model } = countingModel();
  let busy = true;
  let done = false;
  const queue = new ShadowQueue(
    100,
    () => busy,
    () => {},
  );
  const run = async () => {
    done = true;
  };
  queue.offer({ endpoint: 'e', model, rowCount: 1, run });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(done, false);
  busy = false;
  await queue.drained();
  assert.equal(done, true);

  busy = true;
  done = false;
  queue.offer({ endpoint: 'e', model, rowCount: 1, run });
  await queue.drained();
  assert.equal(done, true);
});

test('who waits for copies does not wait for those that come in later', async () => {
  const { model } = countingModel();
  const queue = new ShadowQueue(
    100,
    () => false,
    () => {},
  );
  const later = Promise.withResolvers<void>();
  queue.offer({ endpoint: 'e', model, rowCount: 1, run: async () => offerLater() });
  const offerLater = () => queue.offer({ endpoint: 'e', model, rowCount: 1, run: () => later.promise });
  await queue.drained();
  later.resolve();
  await queue.drained();
});

test('a shadow that hangs holds up and crowds out copies for no other', async () => {
  const [hanging, other] = [countingModel(), countingModel()];
  const dropped: string[] = [];
  const queue = new ShadowQueue(
    4,
    () => false,
    (endpoint) => dropped.push(endpoint),
  );
  const hung = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const task = (endpoint: string, { model }: typeof other, run: () => Promise<void>): ShadowTask => ({
    endpoint,
    model,
    run,
    rowCount: 4,
  });
  queue.offer(task('hangs', hanging, () => hung.promise));
  queue.offer(task('hangs', hanging, () => hung.promise));
  queue.offer(task('well', other, async () => done.resolve()));
  await done.promise;
  assert.deepEqual(dropped, ['hangs']);
  hung.resolve();
  await queue.drained();
  assert.deepEqual(
    [hanging.counts, other.counts],
    [
      { acquired: 1, released: 1 },
      { acquired: 1, released: 1 },
    ],
  );
});

test('who is answered has the answer before the copy begins, also while other copies are computed', async () => {
  const { model } = countingModel();
  const order: string[] = [];
  const queue = new ShadowQueue(
    100,
    () => false,
    () => {},
  );
  /** The answer is on its way for some more steps after its copy was offered, as promises are passed on. */
  const answer = async (name: string, copied: () => void) => {
    const run = async () => {
      order.push(`copy of ${name}`);
      copied();
    };
    queue.offer({ endpoint: 'e', model, rowCount: 1, run });
    for (let step = 0; step < 20; step++) await null;
    order.push(`answer ${name}`);
  };
  await answer('a', () => void answer('b', () => void answer('c', () => {})));
  while (order.length < 6) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ['answer a', 'copy of a', 'answer b', 'copy of b', 'answer c', 'copy of c']);
});

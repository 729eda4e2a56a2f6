import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import {
  type Limit,
  type LimitChannel,
  LimitHub,
  type LimitMember,
  type LimitSource,
  type LimitSpec,
  leasedLimits,
  localLimits,
} from './index.ts';
import { Pool } from './pool.ts';

const few: LimitSpec = { name: 'few', kind: 'concurrent', limit: 3 };

/** Processes that share a hub: messages come in order, each in a turn of its own, as copies. */
function processes(count: number, nowMs?: () => number) {
  const hub = new LimitHub(nowMs);
  const messages = { count: 0 };
  const members = Array.from({ length: count }, () => {
    const [hubSide, ownSide] = [new EventEmitter(), new EventEmitter()];
    const wire = (to: EventEmitter) => (message: unknown) => {
      messages.count++;
      setImmediate(() => to.emit('message', structuredClone(message)));
    };
    hub.add(Object.assign(hubSide, { send: wire(ownSide) }) as unknown as LimitMember);
    const source = leasedLimits(Object.assign(ownSide, { send: wire(hubSide) }) as unknown as LimitChannel);
    return { source, exit: () => hubSide.emit('exit') };
  });
  return { members, messages };
}

const turns = async (count = 12) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const taken = async (limit: Limit): Promise<boolean> => (await limit.take()) === 0;

test('a pool holds no more than its capacity, and a rate fills it again with time', () => {
  const rate = new Pool({ name: 'r', kind: 'rate', limit: 10 }, 0);
  assert.equal(rate.available(0), 10);
  rate.take(10);
  rate.spend(4);
  assert.equal(rate.available(0), 0);
  assert.equal(rate.waitMs(0), 100);
  assert.equal(rate.available(10_000), 4, 'what others have taken and not used counts too');
  rate.giveBack(6);
  assert.equal(rate.available(10_000), 10);
  const slow = new Pool({ name: 's', kind: 'rate', limit: 0.5 }, 0);
  slow.take(1);
  slow.spend(1);
  assert.equal(slow.waitMs(0), 2000);
  assert.equal(slow.available(1999), 0);
  assert.equal(slow.available(2000), 1);
});

for (const [what, sources] of [
  ['one process', (): LimitSource[] => [localLimits]],
  ['three processes', (): LimitSource[] => processes(3).members.map((member) => member.source)],
] as const) {
  test(`${what}: never more at the same time than allowed, and all of it whoever asks`, async () => {
    const limits = sources().map((source) => source(few));
    const at = (i: number) => limits[i % limits.length] as Limit;
    for (let round = 0; round < 5; round++) {
      // Everything to one, then to another: what the one before does not use any more is there for the next.
      const mine = [await taken(at(round)), await taken(at(round)), await taken(at(round))];
      assert.deepEqual(mine, [true, true, true], `round ${round}`);
      assert.equal(await taken(at(round + 1)), false);
      assert.equal(await at(round + 1).take(), 1000);
      for (let i = 0; i < 3; i++) at(round).leave();
      await turns();
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    const many = await Promise.all(Array.from({ length: 30 }, (_, i) => taken(at(i))));
    assert.equal(many.filter(Boolean).length, 3);
  });
}

test('a rate over two processes allows its burst once, and then what time brings, to whoever asks', async () => {
  let nowMs = 0;
  const { members } = processes(2, () => nowMs);
  const [a, b] = members.map(({ source }) => source({ name: 'r', kind: 'rate', limit: 100 })) as [
    Limit,
    Limit,
  ];
  const first = await Promise.all(Array.from({ length: 90 }, () => taken(a)));
  assert.equal(first.filter(Boolean).length, 90);
  const rest = await Promise.all(Array.from({ length: 40 }, () => taken(b)));
  assert.equal(rest.filter(Boolean).length, 10);
  await new Promise((resolve) => setTimeout(resolve, 3));
  nowMs = 500;
  const later = await Promise.all(Array.from({ length: 80 }, (_, i) => taken(i % 2 ? a : b)));
  assert.equal(later.filter(Boolean).length, 50);
});

test('where there is plenty most requests ask nobody', async () => {
  const { members, messages } = processes(2);
  const limit = members[0]?.source({ name: 'many', kind: 'concurrent', limit: 1000 }) as Limit;
  let waited = 0;
  for (let i = 0; i < 1000; i++) {
    const wait = limit.take();
    if (wait !== 0) waited++;
    assert.equal(await wait, 0);
    limit.leave();
  }
  assert.equal(waited, 1);
  assert.equal(messages.count, 2);
});

test('a process that ends leaves its units to the others, one that is silent is not waited for', async () => {
  const { members } = processes(2);
  const [a, b] = members.map(({ source }) => source(few)) as [Limit, Limit];
  assert.deepEqual([await taken(a), await taken(a), await taken(a)], [true, true, true]);
  assert.equal(await taken(b), false);
  members[0]?.exit();
  await new Promise((resolve) => setTimeout(resolve, 3));
  assert.deepEqual([await taken(b), await taken(b), await taken(b)], [true, true, true]);

  const hub = new LimitHub();
  const deaf = Object.assign(new EventEmitter(), { send: () => true });
  hub.add(deaf as unknown as LimitMember);
  const use = { type: 'limit-use', spec: few, spent: 0, returned: 0, recalled: false };
  deaf.emit('message', { ...use, wanted: 3 });
  const answered = new Promise((resolve) => {
    const asker = Object.assign(new EventEmitter(), { send: resolve });
    hub.add(asker as unknown as LimitMember);
    asker.emit('message', { ...use, wanted: 1 });
  });
  const held = setTimeout(() => undefined, 1000);
  assert.deepEqual(await answered, {
    type: 'limit-granted',
    name: 'few',
    units: 0,
    keep: false,
    waitMs: 1000,
  });
  clearTimeout(held);
});

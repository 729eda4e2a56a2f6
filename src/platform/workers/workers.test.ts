import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { fail } from '../../core/errors.ts';
import { type HubMember, type LinkChannel, WorkerHub, WorkerLink } from './index.ts';

/** Both ends of a channel that brings messages in order, each in a turn of its own, as copies. */
function channel() {
  const [hubSide, workerSide] = [new EventEmitter(), new EventEmitter()];
  const wire = (to: EventEmitter) => (message: unknown) =>
    void setImmediate(() => to.emit('message', structuredClone(message)));
  const member = Object.assign(hubSide, { send: wire(workerSide) }) as unknown as HubMember;
  const link = Object.assign(workerSide, { send: wire(hubSide) }) as unknown as LinkChannel;
  return { member, link, exit: () => hubSide.emit('exit') };
}

/** More turns than any question and its answers take. */
const turns = async () => {
  for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
};

async function joined(hub: WorkerHub, topics: Parameters<typeof WorkerLink.join>[1]) {
  const { member, link, exit } = channel();
  hub.add(member);
  return { link: await WorkerLink.join(link, topics), exit };
}

test('a question reaches all, itself too, and one error is the error of all', async () => {
  const hub = new WorkerHub(2, () => undefined);
  const topics = (name: string) => ({
    name: (suffix: string) => name + suffix,
    refuse: () => {
      if (name === 'b') throw fail('endpoint_unknown', { endpoint: 'x', list: '/v2' });
    },
  });
  const a = await joined(hub, topics('a'));
  await joined(hub, topics('b'));
  assert.deepEqual([...(await a.link.ask('name', '!'))].sort(), ['a!', 'b!']);
  await assert.rejects(a.link.ask('refuse', null), { code: 'endpoint_unknown' });
});

test('all are ready when each is; a process that ends holds nobody up and makes the others unready', async () => {
  const urls: string[] = [];
  const hub = new WorkerHub(2, (url) => urls.push(url));
  const never = { wait: () => new Promise(() => undefined) };
  const a = await joined(hub, { wait: () => 'a' });
  const b = await joined(hub, never);
  a.link.tellReady(true, 'http://a');
  await turns();
  assert.equal(a.link.allReady, false);
  b.link.tellReady(true, null);
  await turns();
  assert.deepEqual([a.link.allReady, b.link.allReady, urls], [true, true, ['http://a']]);
  const answers = a.link.ask('wait', null);
  await turns();
  b.exit();
  assert.deepEqual(await answers, ['a']);
  await turns();
  assert.equal(a.link.allReady, false);
});

test('a process that starts late does first what the others were told last', async () => {
  const hub = new WorkerHub(2, () => undefined);
  const done: string[] = [];
  const a = await joined(hub, { load: () => undefined });
  await a.link.ask('load', 'one', 'm');
  await a.link.ask('load', 'other', 'n');
  await a.link.ask('load', 'two', 'm');
  await joined(hub, { load: (what: string) => done.push(what) });
  assert.deepEqual(done, ['other', 'two']);
});

test('of a process that ends the last answer of a kept topic counts on, once', async () => {
  const keep = (before: unknown, last: unknown) => Number(before ?? 0) + Number(last);
  const hub = new WorkerHub(2, () => undefined, [{ topic: 'count', keep }]);
  const counting = (count: number) => ({ count: () => count, other: () => 1 });
  const a = await joined(hub, counting(1));
  const b = await joined(hub, counting(20));
  const sum = async () => ((await a.link.ask('count', null)) as number[]).reduce((x, y) => x + y, 0);
  assert.equal(await sum(), 21);
  b.exit();
  assert.equal(await sum(), 21);
  assert.deepEqual(await a.link.ask('other', null), [1]);

  // One that ends while it is asked counts by its last answer, one that has answered by that.
  let answers = true;
  const never = new Promise(() => undefined);
  const c = await joined(hub, { count: () => (answers ? 300 : never) });
  assert.equal(await sum(), 321);
  answers = false;
  const asked = sum();
  await turns();
  c.exit();
  assert.equal(await asked, 321);
  const d = await joined(hub, counting(4000));
  const e = await joined(hub, { count: () => (answers ? 5 : never) });
  const again = sum();
  await turns();
  d.exit();
  e.exit();
  assert.equal(await again, 4321);
  assert.equal(await sum(), 4321);
});

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { createLogger } from '../log/index.ts';
import { Supervisor } from './index.ts';

/** A supervisor of one process, which does what the test says, under a clock that the test moves. */
function supervised(t: TestContext) {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1 });
  const started: EventEmitter[] = [];
  const supervisor = new Supervisor(createLogger('test', 'silent'), () => {
    const child = Object.assign(new EventEmitter(), { pid: 1 as number | undefined, kill: () => true });
    started.push(child);
    return child as unknown as ChildProcess;
  });
  supervisor.start({ name: 'one', command: 'one', args: [], env: {}, stopMs: 1000 });
  const end = (code: number | null) => started.at(-1)?.emit('exit', code, code === null ? 'SIGKILL' : null);
  const pass = (ms: number) => t.mock.timers.tick(ms);
  return { supervisor, started, end, pass };
}

test('one that says that it cannot start ends all', async (t) => {
  const { supervisor, started, end } = supervised(t);
  end(78);
  assert.equal(await supervisor.ended, 78);
  assert.equal(started.length, 1);
});

test('one that has run well is started again, whatever it says that it cannot do without', async (t) => {
  const { supervisor, started, end, pass } = supervised(t);
  pass(31_000);
  end(null);
  for (let times = 2; times < 10; times++) {
    pass(10_000);
    assert.equal(started.length, times);
    end(78);
  }
  void supervisor.stop(3);
  assert.equal(await supervisor.ended, 3);
});

test('one for which the system has no room is tried again, and a stop does not wait for it', async (t) => {
  const { supervisor, started, pass } = supervised(t);
  const [first] = started;
  Object.assign(first as EventEmitter, { pid: undefined }).emit('error', new Error('EAGAIN'));
  pass(10_000);
  assert.equal(started.length, 2);
  Object.assign(started[1] as EventEmitter, { pid: undefined }).emit('error', new Error('EAGAIN'));
  void supervisor.stop();
  assert.equal(await supervisor.ended, 0);
});

/** A process that tells what it is asked, until it is killed. */
async function asked(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  const script = `import { onStopRequest } from '${new URL('index.ts', import.meta.url).href}';
    setInterval(() => undefined, 60_000);
    process.on('SIGUSR2', () => console.log('goes on'));
    onStopRequest((why) => console.log('stops ' + why), (why) => console.log('gives up ' + why));
    console.log('runs');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  const said: string[] = [];
  const lines = createInterface(child.stdout as Readable);
  lines.on('line', (line) => said.push(line));
  const closed = once(child, 'close');
  const next = () => Promise.race([once(lines, 'line'), closed]);
  await next();
  return { child, closed, said, next };
}

test('one that is told to stop again with the same signal ends at once, and says so', async (t) => {
  const { child, closed, said, next } = await asked(t);
  child.kill('SIGINT');
  await next();
  child.kill('SIGTERM');
  child.kill('SIGINT');
  const [, signal] = await closed;
  assert.deepEqual([...said, signal], ['runs', 'stops SIGINT', 'gives up SIGINT', 'SIGINT']);
});

test('one of a supervisor stops at its leisure when SIGTERM comes from there and from systemd', async (t) => {
  const { child, said, next } = await asked(t, { MILLRACE_SUPERVISOR_PID: '1' });
  child.kill('SIGTERM');
  await next();
  child.kill('SIGTERM');
  child.kill('SIGUSR2');
  await next();
  assert.deepEqual(said, ['runs', 'stops SIGTERM', 'goes on']);
});

test('one whose terminal closes stops as it does when it is told to, also when it hears of it twice', async (t) => {
  const { child, said, next } = await asked(t);
  child.kill('SIGHUP');
  await next();
  child.kill('SIGHUP');
  child.kill('SIGUSR2');
  await next();
  assert.deepEqual(said, ['runs', 'stops SIGHUP', 'goes on']);
});

test('one that was started with nohup goes on when its terminal closes', async (t) => {
  const { child, said, next } = await asked(t, { MILLRACE_NOHUP: '1' });
  child.kill('SIGHUP');
  child.kill('SIGUSR2');
  await next();
  assert.deepEqual(said, ['runs', 'goes on']);
});

test('all end at once when they are not waited for any more', (t) => {
  const { supervisor, started, end } = supervised(t);
  const told: string[] = [];
  Object.assign(started[0] as EventEmitter, { kill: (signal: string) => told.push(signal) });
  void supervisor.stop();
  supervisor.kill();
  assert.deepEqual(told, ['SIGTERM', 'SIGKILL']);
  end(null);
});

test('each has its own time to end before it is killed', async (t) => {
  const { supervisor, started, pass } = supervised(t);
  supervisor.start({ name: 'slow', command: 'slow', args: [], env: {}, stopMs: 30_000 });
  const told: string[] = [];
  started.forEach((child, i) => {
    Object.assign(child, { kill: (signal: string) => told.push(`${i} ${signal}`) });
  });
  void supervisor.stop();
  pass(1000);
  assert.deepEqual(told, ['0 SIGTERM', '1 SIGTERM', '0 SIGKILL']);
  started[0]?.emit('exit', null, 'SIGKILL');
  pass(28_999);
  assert.equal(told.length, 3);
  started[1]?.emit('exit', 0, null);
  assert.equal(await supervisor.ended, 0);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Loop } from '../../src/loop/index.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { flights, LoopDriver } from './loop/loop-driver.ts';

const python =
  process.env.MILLRACE_PYTHON ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const skip = existsSync(python) ? false : 'no Python environment (make python)';
const dayMs = 86_400_000;
const beginMs = Date.parse('2001-01-01T00:00:00Z');

/** Kills control the first time that each state of a turn is seen, and starts it again. */
function killAtEachState(control: TestServer, states: Set<string>) {
  return async (loop: Loop): Promise<void> => {
    const state = loop.activeTurn?.state;
    if (state === undefined || states.has(state)) return;
    states.add(state);
    await control.kill();
    await control.start();
  };
}

test('control is killed with -9 in each state of two turns, and both come to the same end', {
  skip,
}, async (t) => {
  // Each a process of its own: "up" starts a role that keeps dying ever later.
  const control = await startServer(t, { role: 'control' });
  const others = { controlUrl: control.url };
  const [serve] = await Promise.all([
    startServer(t, { ...others, role: 'serve' }),
    startServer(t, { ...others, role: 'work' }),
  ]);
  const { url, dataDirectory } = control;
  const driver = new LoopDriver({ url, dataDirectory, serveUrl: serve.serveUrl }, 'flights');
  await driver.apply(flights(beginMs, 10, 200));
  const killed = new Set<string>();
  const first = await driver.settle(killAtEachState(control, killed));
  assert.equal(first.championVersion, 1, first.lastTurn?.reason);
  for (const state of ['training', 'packaging']) assert.ok(killed.has(state), `never killed while ${state}`);

  await driver.replay(flights(beginMs + 10 * dayMs, 2, 300));
  await driver.settle();
  await driver.call('/api/v1/loops/flights/trigger', { reason: 'more data' });
  const killedAgain = new Set<string>();
  let loop = await driver.settle(killAtEachState(control, killedAgain));
  for (let day = 12; day < 24 && loop.activeTurn; day++) {
    await driver.replay(flights(beginMs + day * dayMs, 1, 400));
    loop = await driver.settle(killAtEachState(control, killedAgain));
  }
  for (const state of ['shadow', 'canary']) assert.ok(killedAgain.has(state), `never killed while ${state}`);
  assert.equal(loop.championVersion, 2, loop.lastTurn?.reason);

  const turn = await driver.turn(2);
  const path = turn.transitions.map((step) => step.to).filter((state, i, all) => state !== all[i - 1]);
  assert.deepEqual(path, [
    'preparing',
    'training',
    'packaging',
    'evaluating',
    'gating',
    'shadow',
    'canary',
    'promoting',
    'promoted',
  ]);
  const kinds = turn.steps.map((step) => step.kind);
  const once = ['label-join', 'prepare-data', 'train', 'package', 'evaluate'];
  assert.deepEqual(kinds.slice(0, once.length), once);
  assert.ok(turn.steps.every((step) => step.status === 'succeeded'));
  const { total } = await driver.call<{ total: { predictions: number; joined: number } }>(
    '/api/v1/labels/summary?endpoint=flights',
  );
  assert.deepEqual([total.predictions, total.joined], [driver.sent, driver.sent]);
});

test('a worker killed with -9 while it trains leaves no process behind, and the step is run again', {
  skip,
}, async (t) => {
  const server = await startServer(t);
  const driver = new LoopDriver(server, 'flights');
  await driver.apply(flights(beginMs, 10, 200));
  let killed = false;
  const loop = await driver.settle(async (seen) => {
    if (killed || seen.activeTurn?.state !== 'training') return;
    const turn = await driver.turn(1);
    const step = turn.steps.find((s) => s.kind === 'train');
    if (step?.status !== 'running') return;
    // Long enough for the script to be started.
    await new Promise((resolve) => setTimeout(resolve, 500));
    killed = true;
    server.killRole('work');
  });
  assert.ok(killed);
  assert.equal(loop.championVersion, 1, loop.lastTurn?.reason);
  const turn = await driver.turn(1);
  const train = turn.steps.filter((step) => step.kind === 'train');
  assert.deepEqual([train.length, train[0]?.attempts], [1, 2]);
  const lines = await driver.call<{ items: { text: string }[] }>(
    `/api/v1/step-runs/${train[0]?.stepRunId}/logs`,
  );
  assert.ok(lines.items.some((line) => /attempt 1 was lost/.test(line.text)));
  const left = execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' }).split('\n');
  assert.deepEqual(
    left.filter((args) => args.includes('train.py') && args.includes(server.dataDirectory)),
    [],
  );
});

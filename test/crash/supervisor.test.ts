import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { startServer } from '../support/server.ts';

test('up starts all roles, brings a killed one back, and stops within 5 s leaving no orphan', async (t) => {
  const server = await startServer(t);
  const before = server.rolePids();
  assert.deepEqual(Object.keys(before).sort(), ['control', 'serve', 'work']);

  server.killRole('serve');
  while (server.rolePids().serve === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
  await server.waitUntilReady();
  assert.notEqual(server.rolePids().serve, before.serve);

  const pids = Object.values(server.rolePids());
  const exit = await server.stop();
  assert.equal(exit.code, 0, server.log);
  assert.ok(exit.elapsedMs < 5_000, `${exit.elapsedMs} ms`);
  assert.deepEqual(pids.filter(isAlive), []);
});

test('roles whose supervisor was killed with -9 end by themselves', async (t) => {
  const server = await startServer(t);
  const pids = Object.values(server.rolePids());
  await server.kill();
  const deadlineMs = performance.now() + 5_000;
  while (pids.some(isAlive) && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(pids.filter(isAlive), []);
  assert.ok(existsSync(server.dataDirectory));
  await server.start();
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

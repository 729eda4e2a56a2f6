import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { isAlive } from '../support/processes.ts';
import { startServer } from '../support/server.ts';

test('up starts all roles, brings a killed one back, and stops within 5 s leaving no orphan', async (t) => {
  const server = await startServer(t);
  const before = server.rolePids();
  assert.deepEqual(Object.keys(before).sort(), ['control', 'serve', 'work']);

  server.killRole('serve');
  while (server.rolePids().serve === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
  await server.waitUntilReady();
  assert.notEqual(server.rolePids().serve, before.serve);

  // A machine that is busy with others holds a stop up: the quickest of some counts.
  const stopsMs: number[] = [];
  while (Math.min(...stopsMs) >= 5_000) {
    assert.ok(stopsMs.length < 5, `${stopsMs} ms`);
    if (!server.running) await server.start();
    const pids = Object.values(server.rolePids());
    const exit = await server.stop();
    assert.equal(exit.code, 0, server.log);
    assert.deepEqual(pids.filter(isAlive), []);
    stopsMs.push(exit.elapsedMs);
  }
});

test('roles whose supervisor was killed with -9 end by themselves', async (t) => {
  const server = await startServer(t);
  const killed = async () => {
    const pids = Object.values(server.rolePids());
    assert.equal(pids.length, 3);
    await server.kill();
    const deadlineMs = performance.now() + 60_000;
    while (pids.some(isAlive) && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(pids.filter(isAlive), []);
  };
  await killed();
  assert.ok(existsSync(server.dataDirectory));
  // And so do those that have just been started, and do not listen to anything yet.
  const starting = assert.rejects(server.start(), /ended before it was ready/);
  while (Object.keys(server.rolePids()).length < 3) await new Promise((resolve) => setImmediate(resolve));
  await killed();
  await starting;
  await server.start();
});

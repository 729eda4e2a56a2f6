import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Actor } from '../access/index.ts';
import { forEachDatabase } from '../db/testing.ts';
import { addRoutes, createHttpServer } from '../http/index.ts';
import { createLogger } from '../log/index.ts';
import { Registry } from '../metrics/index.ts';
import { Jobs, jobRoutes, jobsMigrations } from './index.ts';

const worker: Actor = { kind: 'user', id: 'local' };

forEachDatabase((name, open) => {
  test(`a running job records no result, neither another job’s nor its own; its worker does (on ${name})`, async (t) => {
    const db = await open(t, jobsMigrations);
    const jobs = new Jobs(db);
    const id = await db.write((tx) => jobs.enqueue(tx, { kind: 'evaluate', payload: {} }));
    await jobs.lease('local/1', ['evaluate'], 0);
    const asked = async (actor: Actor, what: string, body: object) => {
      const server = createHttpServer({
        log: createLogger('test', 'silent'),
        metrics: new Registry('test'),
        bodyLimitBytes: 10_000,
        resolveActor: async () => actor,
      });
      addRoutes(server, jobRoutes(jobs));
      const payload = { attempt: 1, ...body };
      return (await server.inject({ method: 'POST', url: `/api/v1/jobs/${id}/${what}`, payload })).statusCode;
    };
    const error = { code: 'made_up', message: 'not so' };
    for (const actor of [{ kind: 'job', id: 'another' } as const, { kind: 'job', id } as const]) {
      assert.equal(await asked(actor, 'heartbeat', {}), 403);
      assert.equal(await asked(actor, 'logs', { lines: [{ stream: 'stdout', line: 'made up' }] }), 403);
      assert.equal(await asked(actor, 'fail', { error, retryable: false }), 403);
      assert.equal(await asked(actor, 'complete', { result: { passed: true } }), 403);
    }
    assert.equal((await jobs.get(id)).status, 'leased');
    assert.equal(await asked(worker, 'heartbeat', {}), 200);
    assert.equal(await asked(worker, 'complete', { result: { passed: false } }), 200);
    assert.deepEqual((await jobs.get(id)).result, { passed: false });
  });
});

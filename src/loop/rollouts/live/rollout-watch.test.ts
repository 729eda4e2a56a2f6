import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Arrived, ArrivedRow } from '../../../lifecycle/feedback/index.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { rolloutSpecSchema } from '../../contract.ts';
import type { LiveLog } from './live-log.ts';
import { type Followed, RolloutWatch } from './rollout-watch.ts';

/** A log without files of rows, into which a test puts what arrives; each file of labels has that of `p1`. */
function emptyLog() {
  const listeners = new Set<(arrived: Arrived) => void>();
  const labels: { id: string; sql: string }[] = [];
  const log: LiveLog = {
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    follow: () => {},
    files: async () => ({ rows: [], labels }),
    columns: async () => ({
      names: ['prediction_id', 'value_number', 'at_ms', 'seq'],
      columns: [['p1'], [1], [1], [1]],
    }),
  };
  const arrive = (endpoint: string, from: number, to: number) => {
    const rows = Array.from({ length: to - from }, (_, i): ArrivedRow => {
      const id = from + i;
      return {
        predictionId: `p${id}`,
        arm: 'champion',
        version: '1',
        routeVersion: 1,
        status: 'ok',
        score: 0.5,
        latencyUs: 1,
        eventTimeMs: id,
        receivedAtMs: id,
        entity: `e${id}`,
        bucket: 1,
        propensity: 0.9,
        cells: null,
      };
    });
    for (const listener of listeners) listener({ endpoint, rows });
  };
  return { log, arrive, labels };
}

const followed = (endpoint: string): Followed => ({
  id: endpoint,
  endpoint,
  sinceRouteVersion: 1,
  sinceMs: 0,
  changed: () => {},
  spec: rolloutSpecSchema.parse({ kind: 'canary', version: 2 }),
});

test('rollouts together keep to their memory: the largest is left to the log, and what it took is free for others', async (t) => {
  const { log, arrive } = emptyLog();
  const watch = new RolloutWatch(log, createLogger('test', 'silent'), 6_000_000);
  watch.start();
  t.after(() => watch.stop());
  watch.keep('test', [followed('small'), followed('large')]);
  // Both are whole once their files, of which there are none, were read.
  const requests = (endpoint: string) => watch.observation(endpoint, undefined)?.strata[0]?.requests;
  while (watch.observation('large', undefined) === undefined) await new Promise((done) => setImmediate(done));
  arrive('small', 0, 5_000);
  arrive('large', 0, 20_000);
  assert.deepEqual([requests('small'), requests('large')], [5_000, 20_000]);
  arrive('large', 20_000, 60_000);
  assert.deepEqual([requests('small'), requests('large')], [5_000, undefined]);
  arrive('small', 5_000, 20_000);
  assert.equal(requests('small'), 20_000);
});

test('labels of before a restart count, also when their file comes after the first reading', async (t) => {
  const { log, arrive, labels } = emptyLog();
  const watch = new RolloutWatch(log, createLogger('test', 'silent'));
  watch.start();
  t.after(() => watch.stop());
  const labelled = () => watch.observation('flights', undefined)?.strata[0]?.labelled;
  const told = Promise.withResolvers<void>();
  watch.keep('test', [followed('flights')]);
  while (watch.observation('flights', undefined) === undefined)
    await new Promise((done) => setImmediate(done));
  arrive('flights', 0, 10);
  assert.equal(labelled(), 0);
  labels.push({ id: 'recovered', sql: 'recovered' });
  watch.keep('test', [{ ...followed('flights'), changed: () => labelled() === 1 && told.resolve() }]);
  await told.promise;
});

test('a rollout begins with nothing, also where the one before it is not let go yet by whom it belonged to', async (t) => {
  const { log, arrive } = emptyLog();
  const watch = new RolloutWatch(log, createLogger('test', 'silent'));
  watch.start();
  t.after(() => watch.stop());
  const whole = async (id: string) => {
    while (watch.observation(id, undefined) === undefined) await new Promise((done) => setImmediate(done));
  };
  watch.keep('rollouts', [followed('flights')]);
  await whole('flights');
  arrive('flights', 0, 10);
  const next = { ...followed('flights'), id: 'turn' };
  watch.keep('loop', [next]);
  await whole('turn');
  assert.deepEqual(watch.observation('turn', undefined)?.strata, []);
  watch.keep('rollouts', []);
  assert.ok(watch.observation('turn', undefined), 'who owned the one before does not end it');
});

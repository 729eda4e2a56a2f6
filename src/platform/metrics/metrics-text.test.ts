import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Gauge, Histogram, metricsText, Registry, registerHistogram } from './index.ts';

const ours = (text: string) =>
  text.split('\n').filter((line) => /^(# \w+ )?(rows|wait|level|kept)_/.test(line));
/** Labels have no order. */
const ordered = (line: string) =>
  line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`);

test('metrics are told as the library tells them', async () => {
  const registry = new Registry('serve');
  const options = { help: 'a \\ "h"\nelp', labelNames: ['endpoint'], registers: [registry] };
  new Counter({ ...options, name: 'rows_total' }).inc({ endpoint: 'a "b"\\\n' }, 3);
  new Counter({ help: 'none', name: 'rows_unseen', labelNames: ['endpoint'], registers: [registry] });
  new Histogram({ ...options, name: 'wait_seconds', buckets: [1, 2.5] }).observe({ endpoint: 'c' }, 1.5);
  const level = new Gauge({ ...options, name: 'level_now' });
  level.set({ endpoint: 'up' }, Number.POSITIVE_INFINITY);
  level.set({ endpoint: 'down' }, Number.NEGATIVE_INFINITY);
  level.set({ endpoint: 'tiny' }, 1.5e-12);
  const labels = { model_name: 'zoë' };
  const read = () => [{ labels, buckets: [['0.1', 2] as const, ['+Inf', 3] as const], sum: 0.25, count: 3 }];
  registerHistogram(registry, { name: 'kept_seconds', help: 'kept', read });
  const text = await metricsText(registry);
  assert.deepEqual(ours(text).map(ordered), ours(await registry.metrics()).map(ordered));
  assert.ok(text.includes('rows_total{endpoint="a \\"b\\"\\\\\\n",role="serve"} 3\n'));
  assert.ok(text.includes('kept_seconds_bucket{model_name="zoë",le="+Inf",role="serve"} 3\n'));
  assert.ok(text.endsWith('\n') && text.includes('process_cpu_seconds_total'));
});

test('what is not a number is written as Prometheus reads it', async () => {
  const registry = new Registry('serve');
  new Gauge({ name: 'level_now', help: 'h', registers: [registry] }).set(Number.NaN);
  assert.ok((await metricsText(registry)).includes('level_now{role="serve"} NaN\n'));
});

test('a family of many lines leaves the event loop its turns', async () => {
  const registry = new Registry('serve');
  const read = function* () {
    const buckets = Array.from({ length: 20 }, (_, i) => [String(i), i] as const);
    for (let i = 0; i < 5000; i++) yield { labels: { model_name: `m${i}` }, buckets, sum: 1, count: 1 };
  };
  registerHistogram(registry, { name: 'kept_seconds', help: 'kept', read });
  let turns = 0;
  let handle = setImmediate(() => undefined);
  const turn = () => {
    turns++;
    handle = setImmediate(turn);
  };
  turn();
  const text = await metricsText(registry);
  clearImmediate(handle);
  assert.equal(ours(text).length, 5000 * 22 + 2);
  assert.ok(turns > registry.getMetricsAsArray().length + 10, `${turns} turns`);
});

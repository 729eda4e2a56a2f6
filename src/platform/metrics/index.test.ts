import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, createMetrics, Histogram, metricsText } from './index.ts';

test('metrics are told as their registry tells them, with turns of the event loop in between', async () => {
  const registry = createMetrics('serve');
  const options = { help: 'h', labelNames: ['endpoint'], registers: [registry] };
  new Counter({ ...options, name: 'rows_total' }).inc({ endpoint: 'a "b"' }, 3);
  new Histogram({ ...options, name: 'wait_seconds', buckets: [1, 2] }).observe({ endpoint: 'c' }, 1.5);
  const linesOf = (text: string) => text.split('\n').filter((line) => /^(# \w+ )?(rows|wait)_/.test(line));
  let turns = 0;
  let handle = setImmediate(() => undefined);
  const turn = () => {
    turns++;
    handle = setImmediate(turn);
  };
  turn();
  const text = await metricsText(registry);
  clearImmediate(handle);
  assert.deepEqual(linesOf(text), linesOf(await registry.metrics()));
  assert.ok(linesOf(text).includes('rows_total{endpoint="a \\"b\\"",role="serve"} 3'));
  assert.ok(text.endsWith('\n') && text.includes('process_cpu_seconds_total'));
  assert.ok(turns >= registry.getMetricsAsArray().length);
});

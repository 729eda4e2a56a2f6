import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricSummary } from '../../../../../src/lifecycle/experiments/contract.ts';
import { groupMetrics } from './metric-groups.ts';

const metric = (key: string) => ({ key }) as MetricSummary;

test('groups by the first slash: own names first, layers in number order, the machine last', () => {
  const groups = groupMetrics(
    ['system/cpu', 'layer_10/w', 'layer_2/w', 'loss', '/odd', 'layer_2/b'].map(metric),
  );
  assert.deepEqual(
    groups.map((group) => [group.name, group.metrics.map((each) => each.key)]),
    [
      ['Metrics', ['loss', '/odd']],
      ['layer_2', ['layer_2/w', 'layer_2/b']],
      ['layer_10', ['layer_10/w']],
      ['system', ['system/cpu']],
    ],
  );
});

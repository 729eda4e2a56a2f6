import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandOf } from './command-table.ts';
import { asCommands } from './next-step.ts';

test('a next step names the command that shows the list, where there is one', () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      'List the versions with GET /api/v1/registered-models/churn/versions.',
      'List the versions with "millrace models churn".',
    ],
    [
      'Check the name; list what exists with GET /api/v1/loops.',
      'Check the name; list what exists with "millrace loops".',
    ],
    [
      'Look at GET /api/v1/batch-predictions/7 and ask again.',
      'Look at "millrace predictions" and ask again.',
    ],
    [
      'Look at the rollout with GET /api/v1/endpoints/churn/rollouts/019-a.',
      'Look at the rollout with "millrace rollout show churn --id 019-a".',
    ],
    ['List them with GET /api/v1/turns?loop=late.', 'List them with "millrace turns late".'],
    ['List the webhooks with GET /api/v1/webhooks.', 'List the webhooks with GET /api/v1/webhooks.'],
    ['Deploy one: POST /api/v1/endpoints/churn/deploy.', 'Deploy one: POST /api/v1/endpoints/churn/deploy.'],
  ];
  for (const [next, expected] of cases) {
    assert.equal(asCommands(next), expected);
    const [, words] = /"millrace ([^"]+)"/.exec(expected) ?? [];
    if (words !== undefined) assert.ok(commandOf(words.split(' ')), words);
  }
});

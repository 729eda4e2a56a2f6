import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultEndpointOptions, endpointOptionsSchema } from '../../../../src/lifecycle/serving/contract.ts';
import { draftOf, optionsOf, shownOption } from './options-draft.ts';

// As they go over the wire: what is undefined is not sent.
const sent = (value: unknown) => JSON.parse(JSON.stringify(value));

test('options come back from a draft as they were', () => {
  const all = endpointOptionsSchema.parse({
    environment: 'staging',
    batching: { maxRows: 64, maxDelayUs: 500, maxWaitingRows: 100 },
    timeoutMs: 250,
    cache: { maxEntries: 1000, maxAgeMs: 60_000 },
    limits: { requestsPerSecond: 0.5, concurrentRequests: 8 },
    requireKey: true,
    log: { payloadShare: 0.1, redact: ['name', 'phone'], hash: ['entity'] },
  });
  for (const options of [defaultEndpointOptions, all]) {
    assert.deepEqual(endpointOptionsSchema.parse(sent(optionsOf(draftOf(options)))), options);
  }
});

test('what is no number is sent as written, for the server to refuse by name', () => {
  const draft = { ...draftOf(defaultEndpointOptions), timeoutMs: 'soon' };
  const { error } = endpointOptionsSchema.safeParse(sent(optionsOf(draft)));
  assert.deepEqual(error?.issues[0]?.path, ['timeoutMs']);
});

test('numbers are grouped where they are read, names of digits are not', () => {
  assert.equal(shownOption('timeoutMs', '5000'), '5\u202f000');
  assert.equal(shownOption('payloadShare', '1, every row'), '1, every row');
  assert.equal(shownOption('environment', '5000'), '5000');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultEndpointOptions, endpointOptionsSchema } from '../../../../src/lifecycle/serving/contract.ts';
import { ProblemError } from '../../api/problem.ts';
import { draftOf, draftWarning, optionProblems, optionsOf, shownOption } from './options-draft.ts';

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

test('what is refused of an option stands at its field, and a name that is no input is told', () => {
  const refused = (field: string) =>
    new ProblemError({
      status: 400,
      code: 'invalid_input',
      title: '',
      detail: '',
      next: null,
      issues: [{ field, problem: 'no' }],
      place: null,
    });
  assert.deepEqual(optionProblems(refused('body.options.cache.maxAgeMs')), { cacheAgeMs: 'no' });
  assert.deepEqual(optionProblems(refused('body.options.log.redact.0')), { redact: 'no' });
  assert.deepEqual(optionProblems(refused('body.name')), {});
  assert.match(
    draftWarning({ redact: 'incmoe, x1', hash: 'entity' }, ['income', 'x1']) ?? '',
    /called incmoe:/,
  );
  assert.equal(draftWarning({ redact: 'x1', hash: 'entity' }, ['income', 'x1']), null);
});

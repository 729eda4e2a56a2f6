import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldReader } from './field-reader.ts';
import { type Fields, readFields } from './fields.ts';

const fields = {
  run_id: { kind: 'string', required: true, alias: 'run_uuid' },
  limit: { kind: 'int', max: 10 },
  on: { kind: 'bool' },
  names: { kind: 'strings' },
  metrics: {
    kind: 'objects',
    of: {
      key: { kind: 'string', required: true },
      value: { kind: 'float', required: true },
      model_id: { kind: 'string' },
    },
  },
  nested: { kind: 'object', of: { tags: { kind: 'objects', of: { key: { kind: 'string' } } } } },
} as const satisfies Fields;

const metric = { key: 'a', value: 1.5 };

test('what is read the short way is what is read the long way', () => {
  const plain = fieldReader(fields);
  const bodies: readonly Readonly<Record<string, unknown>>[] = [
    { run_id: 'r', metrics: [metric, { ...metric, model_id: 'm' }], limit: 3, on: true },
    { run_uuid: 'r', limit: null },
    { run_id: 'r', nested: {} },
    { run_id: 'r', nested: { tags: [{ key: 'k' }] } },
  ];
  for (const body of bodies) assert.deepEqual(plain(body), readFields(fields, body), JSON.stringify(body));
});

test('whatever is not plain is left to the long way', () => {
  const plain = fieldReader(fields);
  const odd: readonly Readonly<Record<string, unknown>>[] = [
    {},
    { run_id: '' },
    { run_id: 5 },
    { run_id: 'r', limit: '3' },
    { run_id: 'r', limit: 11 },
    { run_id: 'r', names: ['a'] },
    { run_id: 'r', metrics: [{ key: 'a', value: 'NaN' }] },
    { run_id: 'r', metrics: [{ key: 'a' }] },
    { run_id: 'r', metrics: [7] },
    { run_id: 'r', metrics: {} },
    { runId: 'r' },
    { run_id: 'r', metrics: [{ ...metric, modelId: 'm' }] },
    { run_id: 'r', metrics: [{ ...metric, model_id: 'm', modelId: 'm' }] },
    { run_id: 'r', nested: [] },
  ];
  for (const body of odd) assert.equal(plain(body), undefined, JSON.stringify(body));
});

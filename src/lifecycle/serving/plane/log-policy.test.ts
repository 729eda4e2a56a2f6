import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointOptionsSchema } from '../contract.ts';
import type { ServedArm } from './endpoint-state.ts';
import { entityInLog, LogPolicy, type PolicySource } from './log-policy.ts';
import type { LoggedRow } from './log-row.ts';

const features = ['name', 'age', 'income'].map((name, index) => ({
  name: `feature:${name}`,
  type: name === 'name' ? 'VARCHAR' : 'DOUBLE',
  list: { member: 'features', index },
}));
const source = (log: object, entityFeature: string | null = null): PolicySource => ({
  route: { entityFeature, options: endpointOptionsSchema.parse({ log }) },
  logColumns: [{ name: 'entity', type: 'VARCHAR' }, ...features],
});
const arm = { model: { featureColumns: features } } as unknown as ServedArm;
const row = (predictionId: string, extra: Partial<LoggedRow> = {}): LoggedRow =>
  ({
    arm,
    predictionId,
    entity: 'ada',
    status: 'ok',
    error: null,
    score: 0.5,
    latencyUs: 7,
    outputs: '{"y":1}',
    flags: null,
    cells: ['ada', 36, 100],
    ...extra,
  }) as LoggedRow;
const key = () => 'secret';

test('an endpoint that writes everything has no policy at all', () => {
  const noKey = () => assert.fail('the key is not needed');
  assert.equal(LogPolicy.of(source({}), noKey), null);
  assert.ok(LogPolicy.of(source({ redact: ['age'] }), noKey));
});

test('redacted fields are null, hashed ones equal where they were equal, and text', () => {
  const policy = LogPolicy.of(source({ redact: ['income'], hash: ['name', 'entity', 'age'] }), key);
  assert.ok(policy);
  const first = policy.apply(row('1'));
  assert.equal(first.cells?.[2], null);
  assert.match(String(first.cells?.[1]), /^h:[\w-]{22}$/);
  assert.equal(first.cells?.[0], first.entity);
  assert.notEqual(first.cells?.[0], policy.apply(row('2', { cells: ['bob', 36, 1] })).cells?.[0]);
  assert.deepEqual(
    policy.columns.map((c) => c.type),
    ['VARCHAR', 'VARCHAR', 'VARCHAR', 'DOUBLE'],
  );
  const other = LogPolicy.of(source({ hash: ['entity'] }), () => 'another secret');
  assert.notEqual(other?.apply(row('1')).entity, first.entity);
  const hashing = source({ hash: ['entity'] }).route;
  for (const entity of ['ada', String(first.entity)])
    assert.equal(entityInLog(hashing, entity, key), first.entity);
  assert.equal(policy.apply(row('1', { cells: ['ada', null, undefined] })).cells?.[1], null);
});

test('the entity is hidden too where it is taken from a hidden feature', () => {
  assert.match(LogPolicy.of(source({ hash: ['name'] }, 'name'), key)?.apply(row('1')).entity ?? '', /^h:/);
  assert.equal(LogPolicy.of(source({ redact: ['name'] }, 'name'), key)?.apply(row('1')).entity, null);
  assert.equal(entityInLog(source({ redact: ['name'] }, 'name').route, 'ada', key), null);
});

test('texts of errors do not tell what must not be written', () => {
  const failed = row('1', {
    status: 'input_invalid',
    error: 'age must be a number, is "36 years"',
    cells: null,
  });
  assert.doesNotMatch(LogPolicy.of(source({ redact: ['age'] }), key)?.apply(failed).error ?? '', /36/);
  assert.match(LogPolicy.of(source({ payloadShare: 0.5 }), key)?.apply(failed).error ?? '', /36/);
});

test('a share of the payloads is kept, chosen by id; the rows stay', () => {
  const policy = LogPolicy.of(source({ payloadShare: 0.2 }), key);
  const rows = Array.from({ length: 5000 }, (_, i) => policy?.apply(row(`p${i}`)));
  const kept = rows.filter((r) => r?.cells !== null);
  assert.ok(Math.abs(kept.length - 1000) < 120, `${kept.length} of 5000`);
  assert.ok(rows.every((r) => r?.score === 0.5 && r.latencyUs === 7));
  assert.ok(rows.every((r) => (r?.cells === null) === (r?.outputs === null)));
  assert.deepEqual(policy?.apply(row('p7')), rows[7]);
});

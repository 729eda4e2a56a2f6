import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowBytes, type SegmentColumn } from '../../../platform/segments/index.ts';
import { rowLines } from '../../../platform/segments/read-rows.ts';
import { predictionLogColumns } from '../contract.ts';
import type { ServedArm } from './endpoint-state.ts';
import { cellText, featuresMember, type LoggedRow, logPlace, writeRow } from './log-row.ts';

const route = { endpoint: 'flights', model: 'delay', routeVersion: 7, salt: 'grain' };
const inputs = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, shape: name === 'e' ? [70] : [] }));
const arm = {
  weight: 0.25,
  featurePlaces: null,
  logPlace: logPlace(route, 'challenger', '3'),
  model: { manifest: { signature: { inputs } } },
} as unknown as ServedArm;
const columns: readonly SegmentColumn[] = [
  ...predictionLogColumns,
  ...inputs.map(({ name }, index) => ({
    name: `feature:${name}`,
    type: 'VARCHAR',
    list: { member: featuresMember, index },
  })),
];
const full: LoggedRow = {
  arm,
  predictionId: 'p-1',
  entity: 'ä'.repeat(60),
  eventTimeMs: 1_700_000_000_123,
  receivedAtMs: 1_700_000_000_456,
  bucket: 4321,
  override: null,
  status: 'ok',
  error: null,
  latencyUs: 950,
  firstUs: 12,
  score: 0.125,
  outputs: '{"y":1}',
  flags: [{ feature: 'a', kind: 'missing' }],
  traceId: '0123456789abcdef0123456789abcdef',
  cells: [1.5, 'text', true, null, Float32Array.from({ length: 70 }, (_, i) => i)],
};

function logged(row: LoggedRow, place = arm.logPlace): Record<string, unknown> {
  const bytes = new RowBytes();
  writeRow(bytes, place, row);
  const lines = [...rowLines(bytes.lines, 0, bytes.lines.length, columns)];
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

test('each column has the value that is its own', () => {
  const { features, ...row } = logged(full);
  assert.deepEqual(row, {
    prediction_id: 'p-1',
    endpoint: 'flights',
    entity: full.entity,
    event_time_ms: full.eventTimeMs,
    received_at_ms: full.receivedAtMs,
    model: 'delay',
    model_version: '3',
    route_version: 7,
    arm: 'challenger',
    bucket: 4321,
    propensity: 0.25,
    sticky: true,
    salt: 'grain',
    status: 'ok',
    latency_us: 950,
    score: 0.125,
    outputs: '{"y":1}',
    flags: '[{"feature":"a","kind":"missing"}]',
    trace_id: full.traceId,
    first_us: 12,
  });
  const [a, b, c, d, e] = features as readonly unknown[];
  assert.deepEqual([a, b, c, d], [1.5, 'text', true, null]);
  assert.match(String(e), /^packed:f32\[70\]/);
});

test('a failed request has its error, what decided instead of the split, and what could be read of it', () => {
  const failed: LoggedRow = {
    ...full,
    arm: null,
    entity: null,
    bucket: null,
    override: 'version',
    status: 'input_invalid',
    error: 'no "a"',
    score: Number.NaN,
    outputs: null,
    flags: null,
    traceId: undefined,
    firstUs: undefined,
    cells: null,
  };
  const { features, ...row } = logged(failed, logPlace(route, 'champion', ''));
  assert.deepEqual(features, [null, null, null, null, null]);
  assert.deepEqual(row, {
    prediction_id: 'p-1',
    endpoint: 'flights',
    event_time_ms: full.eventTimeMs,
    received_at_ms: full.receivedAtMs,
    model: 'delay',
    model_version: '',
    route_version: 7,
    arm: 'champion',
    sticky: false,
    salt: 'grain',
    override: 'version',
    status: 'input_invalid',
    error: 'no "a"',
    latency_us: 950,
  });
});

test('features lie where the endpoint has them, whatever the order of the model', () => {
  const turned = { ...arm, featurePlaces: [4, 0] };
  const { features } = logged({ ...full, arm: turned, cells: ['last', 2n ** 60n] });
  assert.deepEqual(features, [String(2n ** 60n), null, null, null, 'last']);
});

test('nested values are written as JSON: whole numbers with all their digits, lists too deep to be written as nothing', () => {
  assert.equal(cellText({ ids: [2n ** 60n, 1], of: null }), '{"ids":["1152921504606846976",1],"of":null}');
  let deep: readonly unknown[] = [1];
  for (let depth = 0; depth < 20_000; depth++) deep = [deep];
  assert.equal(cellText({ deep, flat: [[1]] }), '{"deep":null,"flat":[[1]]}');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointStanding } from '../../kit/endpoints/endpoint-standing.ts';
import { inOrderOf, isShown } from './endpoint-list.ts';

const standing = (
  name: string,
  state: string,
  version: string,
  updatedAt: string,
  lately: object | null = null,
): EndpointStanding =>
  ({
    state,
    sentence: '',
    isTried: false,
    alert: null,
    endpoint: {
      name,
      model: 'Sea-Level',
      arms: [{ modelVersion: version }],
      shadow: null,
      updatedAt,
      lately,
    },
  }) as unknown as EndpointStanding;

const TIDE = standing('Tide', 'good', '2', '2026-01-01T00:00:00Z');
const EBB = standing('ebb', 'bad', '12', '2026-01-02T00:00:00Z');

test('endpoints are found by parts of their names and models, and by whole versions', () => {
  const found = (query: string): string =>
    [TIDE, EBB]
      .filter((each) => isShown(each, { query }))
      .map((each) => each.endpoint.name)
      .join(' ');
  assert.equal(found(''), 'Tide ebb');
  assert.equal(found('sea'), 'Tide ebb');
  assert.equal(found('tid v2'), 'Tide');
  assert.equal(found('v2'), 'Tide');
  assert.equal(found('tide v12'), '');
  assert.equal(isShown(EBB, { show: 'attention' }), true);
  assert.equal(isShown(TIDE, { show: 'attention' }), false);
});

test('endpoints stand by name or by their newest change', () => {
  const names = (sort: 'name' | 'changed'): string =>
    inOrderOf(sort, [TIDE, EBB])
      .map((each) => each.endpoint.name)
      .join(' ');
  assert.equal(names('name'), 'ebb Tide');
  assert.equal(names('changed'), 'ebb Tide');
  assert.equal(
    inOrderOf('changed', [TIDE, standing('zz', 'good', '1', '2025-01-01T00:00:00Z')])[0]?.endpoint.name,
    'Tide',
  );
});

test('endpoints stand by what they were asked lately; those that nobody tells of come last', () => {
  const asked = (name: string, predictions: number, failed: number): EndpointStanding =>
    standing(name, 'good', '1', '2026-01-01T00:00:00Z', { predictions, failed });
  const all = [TIDE, asked('calm', 0, 0), asked('busy', 900, 1), asked('down', 20, 15)];
  const names = (sort: 'predictions' | 'failed'): string =>
    inOrderOf(sort, all)
      .map((each) => each.endpoint.name)
      .join(' ');
  assert.equal(names('predictions'), 'busy down calm Tide');
  assert.equal(names('failed'), 'down busy calm Tide');
});

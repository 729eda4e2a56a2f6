import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lineage, LineageKind } from '../../../../src/lifecycle/registry/contract/lineage.ts';
import { layoutLineage, MOST_PER_COLUMN } from './lineage-layout.ts';

const node = (kind: LineageKind, id: string) => ({
  id: `${kind}:${id}`,
  kind,
  title: id,
  reference: id,
  digest: null,
  at: null,
  facts: [],
});

test('causes stand left of effects, and edges to what is not drawn are left out', () => {
  const lineage: Lineage = {
    subject: 'model-version:m/1',
    nodes: [node('model-version', 'm/1'), node('dataset', 'd'), node('run', 'r'), node('endpoint', 'e')],
    edges: [
      { from: 'dataset:d', to: 'run:r', label: 'training' },
      { from: 'run:r', to: 'model-version:m/1', label: 'registered' },
      { from: 'model-version:m/1', to: 'endpoint:gone', label: 'champion' },
    ],
    isCut: false,
  };
  const drawing = layoutLineage(lineage);
  const xs = ['dataset:d', 'run:r', 'model-version:m/1', 'endpoint:e'].map(
    (id) => drawing.nodes.find((each) => each.node.id === id)?.x ?? Number.NaN,
  );
  assert.deepEqual(
    xs,
    xs.toSorted((a, b) => a - b),
  );
  assert.equal(drawing.edges.length, 2);
});

test('two nodes have one line between them, however much it stands for', () => {
  const edge = { from: 'model-version:m/1', to: 'endpoint:e' };
  const { edges } = layoutLineage({
    ...{ subject: 'model-version:m/1', isCut: false },
    nodes: [node('model-version', 'm/1'), node('endpoint', 'e')],
    edges: ['challenger', 'shadow'].map((label) => ({ ...edge, label })),
  });
  assert.deepEqual(
    edges.map(({ label, below }) => [label, below]),
    [['challenger', 'shadow']],
  );
});

test('a full column hides the rest and says how many, never what was asked for', () => {
  const many = Array.from({ length: 30 }, (_, index) => node('run', `r${index}`));
  const drawing = layoutLineage({ subject: 'run:r29', nodes: many, edges: [], isCut: false });
  assert.equal(drawing.nodes.length, MOST_PER_COLUMN);
  assert.equal(drawing.hiddenCount, 30 - MOST_PER_COLUMN);
  assert.ok(drawing.nodes.some((each) => each.node.id === 'run:r29'));
});

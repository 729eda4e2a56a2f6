import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lineage, LineageKind } from '../../../../src/lifecycle/registry/contract/lineage.ts';
import { layoutLineage, NODE_WIDTH_PX } from './lineage-layout.ts';

const node = (kind: LineageKind, name: string) => ({
  id: `${kind}:${name}`,
  kind,
  title: name,
  reference: name,
  digest: null,
  at: null,
  facts: [],
});

const lineage: Lineage = {
  subject: 'model-version:m/2',
  nodes: [
    node('model-version', 'm/2'),
    node('model-version', 'm/1'),
    node('run', 'first'),
    node('run', 'again'),
  ],
  edges: [
    { from: 'model-version:m/1', to: 'model-version:m/2', label: 'refit' },
    { from: 'run:first', to: 'model-version:m/1', label: 'registered' },
    { from: 'run:again', to: 'model-version:m/2', label: 'registered' },
  ],
  isCut: false,
};

test('versions stand beside their runs, and a refit is a line down their column', () => {
  const drawing = layoutLineage(lineage);
  const at = new Map(drawing.nodes.map((placed) => [placed.node.title, placed]));
  const yOf = (title: string): number => at.get(title)?.y ?? assert.fail();
  assert.equal(yOf('m/1'), yOf('first'));
  assert.equal(yOf('m/2'), yOf('again'));
  const refit = drawing.edges.find((edge) => edge.label === 'refit');
  const x = (at.get('m/1')?.x ?? 0) + NODE_WIDTH_PX / 2;
  assert.equal(refit?.path, `M${x} ${yOf('m/1') + 64}L${x} ${yOf('m/2')}`);
});

test('a graph of packages stands right of its parts, also where parts are graphs', () => {
  const version = (name: string) => `model-version:${name}`;
  const drawing = layoutLineage({
    subject: version('outer'),
    nodes: ['outer', 'inner', 'a', 'b'].map((name) => node('model-version', name)),
    edges: [
      { from: version('a'), to: version('inner'), label: 'part' },
      { from: version('b'), to: version('inner'), label: 'part' },
      { from: version('inner'), to: version('outer'), label: 'part' },
      { from: version('a'), to: version('outer'), label: 'part' },
    ],
    isCut: false,
  });
  const columns = Map.groupBy(drawing.nodes, ({ x }) => x);
  const names = [...columns].toSorted(([a], [b]) => a - b).map(([, at]) => at.map((n) => n.node.title));
  assert.deepEqual(names, [['a', 'b'], ['inner'], ['outer']]);
});

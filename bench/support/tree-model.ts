import type { OnnxPackage } from '../../src/platform/onnx/index.ts';
import { encode } from '../../src/platform/onnx/wire.ts';

/** A regression by trees, as LightGBM's converter writes them: every tree full, split values drawn by a fixed rule. */
export function treeModel(
  features: number,
  trees: number,
  depth: number,
): { readonly onnx: Uint8Array; readonly pkg: OnnxPackage } {
  const columns = Array.from({ length: features }, (_, i) => `f${i + 1}`);
  const ints: Record<string, number[]> = {};
  const floats: Record<string, number[]> = {};
  const modes: Uint8Array[] = [];
  const push = <T>(into: Record<string, T[]>, name: string, value: T) => {
    into[name] ??= [];
    into[name].push(value);
  };
  const leaves = 2 ** depth;
  for (let tree = 0; tree < trees; tree++) {
    for (let node = 0; node < 2 * leaves - 1; node++) {
      const isLeaf = node >= leaves - 1;
      push(ints, 'nodes_treeids', tree);
      push(ints, 'nodes_nodeids', node);
      push(ints, 'nodes_featureids', isLeaf ? 0 : (tree * 7 + node * 3) % features);
      push(ints, 'nodes_truenodeids', isLeaf ? 0 : 2 * node + 1);
      push(ints, 'nodes_falsenodeids', isLeaf ? 0 : 2 * node + 2);
      push(floats, 'nodes_values', isLeaf ? 0 : ((tree * 31 + node * 17) % 97) / 97);
      modes.push(new TextEncoder().encode(isLeaf ? 'LEAF' : 'BRANCH_LEQ'));
      if (!isLeaf) continue;
      push(ints, 'target_treeids', tree);
      push(ints, 'target_nodeids', node);
      push(ints, 'target_ids', 0);
      push(floats, 'target_weights', ((tree + node) % 13) / 13);
    }
  }
  const attribute = [
    ...Object.entries(ints).map(([name, values]) => encode('Attribute', { name, ints: values, type: 7 })),
    ...Object.entries(floats).map(([name, values]) => encode('Attribute', { name, floats: values, type: 6 })),
    encode('Attribute', { name: 'nodes_modes', strings: modes, type: 8 }),
    encode('Attribute', { name: 'n_targets', i: 1, type: 2 }),
  ];
  const edge = (name: string, width: number) => ({
    name,
    type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, { dimValue: width }] } } },
  });
  const node = encode('Node', {
    opType: 'TreeEnsembleRegressor',
    domain: 'ai.onnx.ml',
    input: ['features'],
    output: ['variable'],
    attribute,
  });
  const onnx = encode('Model', {
    irVersion: 8,
    producerName: 'millrace-bench',
    opsetImport: [
      { domain: '', version: 15 },
      { domain: 'ai.onnx.ml', version: 2 },
    ],
    graph: encodeGraph(node, edge('features', features), edge('variable', 1)),
  });
  return {
    onnx,
    pkg: {
      signature: {
        inputs: columns.map((name) => ({ name, type: 'double', required: true, shape: [] })),
        outputs: [],
      },
      graph: {
        inputs: [{ name: 'features', type: 'float', shape: [-1, features], columns }],
        outputs: [{ name: 'variable', type: 'float', shape: [-1, 1] }],
      },
      score: { output: 'variable', index: 0 },
    },
  };
}

function encodeGraph(node: Uint8Array, input: object, output: object) {
  return { name: 'trees', node: [node], input: [input], output: [output], initializer: [] };
}

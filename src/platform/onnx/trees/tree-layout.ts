import type { AttributeValues } from './tree-attributes.ts';

export type Attributes = ReadonlyMap<string, AttributeValues>;

const none = new Float64Array();

/** Trees with the nodes of each placed breadth first, so that both children of a node are neighbours. */
interface TreeLayout {
  /** The place of each tree's root. */
  readonly roots: readonly number[];
  /** The listed node at each place. */
  readonly listed: Int32Array;
  /** The place of each node's first child; a leaf is its own. */
  readonly firstChild: Int32Array;
  /** By place: where its weights begin, and behind the last place where all end. Only leaves have any. */
  readonly firstWeight: Int32Array;
  /** The target (or class) and the value of each weight. */
  readonly targets: Int32Array;
  readonly weights: Float64Array;
}

/**
 * Places the nodes of an ensemble and sorts the weights of its leaves, each leaf's in the order that they are listed in.
 *
 * @param attributes of TreeEnsembleClassifier or TreeEnsembleRegressor, as https://onnx.ai/onnx/operators/ has them
 * Throws a plain error for ensembles that are no trees, and for leaves without weights.
 */
export function layOutTrees(attributes: Attributes, prefix: 'class' | 'target'): TreeLayout {
  const find = finder(attributes);
  const ints = (name: string) => attributes.get(name)?.ints ?? none;
  const [trees, whenTrue, whenFalse] = ['treeids', 'truenodeids', 'falsenodeids'].map((n) =>
    ints(`nodes_${n}`),
  );
  const modes = attributes.get('nodes_modes')?.strings ?? [];
  const count = modes.length;
  const roots: number[] = [];
  const listed = new Int32Array(count);
  const firstChild = new Int32Array(count);
  const placeOf = new Int32Array(count).fill(-1);
  let placed = 0;
  for (const root of find.roots) {
    const tree = trees?.[root] as number;
    let place = placed;
    roots.push(place);
    listed[placed++] = root;
    for (; place < placed; place++) {
      const node = listed[place] as number;
      if (placeOf[node] !== -1) throw new Error('a node is the child of two');
      placeOf[node] = place;
      firstChild[place] = modes[node] === 'LEAF' ? place : placed;
      if (modes[node] === 'LEAF') continue;
      listed[placed++] = find.node(tree, whenTrue?.[node]);
      listed[placed++] = find.node(tree, whenFalse?.[node]);
    }
  }
  const isLeaf = (node: number) => modes[node] === 'LEAF' && placeOf[node] !== -1;
  const [weightTrees, weightNodes, weightTargets] = ['treeids', 'nodeids', 'ids'].map((n) =>
    ints(`${prefix}_${n}`),
  );
  const values = numbersOf(attributes, `${prefix}_weights`);
  const firstWeight = new Int32Array(count + 1);
  const leaves = Int32Array.from(values, (_, i) => find.node(weightTrees?.[i] ?? -1, weightNodes?.[i]));
  // The runtime passes weights of inner nodes over.
  for (const leaf of leaves) if (isLeaf(leaf)) (firstWeight[(placeOf[leaf] as number) + 1] as number)++;
  for (let place = 0; place < placed; place++) {
    if (firstChild[place] === place && firstWeight[place + 1] === 0) throw new Error('a leaf has no weight');
    firstWeight[place + 1] = (firstWeight[place + 1] as number) + (firstWeight[place] as number);
  }
  const free = firstWeight.slice();
  const targets = new Int32Array(values.length);
  const weights = new Float64Array(values.length);
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i] as number;
    if (!isLeaf(leaf)) continue;
    const place = placeOf[leaf] as number;
    const at = free[place] as number;
    free[place] = at + 1;
    targets[at] = weightTargets?.[i] ?? 0;
    weights[at] = values[i] as number;
  }
  const last = firstWeight[placed] as number;
  return {
    roots,
    listed: listed.subarray(0, placed),
    firstChild,
    firstWeight,
    targets: targets.subarray(0, last),
    weights: weights.subarray(0, last),
  };
}

/** Finds listed nodes by the tree that they are in and their number there; the first that a tree lists is its root. */
function finder(attributes: Attributes): {
  readonly roots: readonly number[];
  readonly node: (tree: number, id: number | undefined) => number;
} {
  const trees = attributes.get('nodes_treeids')?.ints ?? none;
  const ids = attributes.get('nodes_nodeids')?.ints ?? none;
  const roots: number[] = [];
  const order = new Map<number, number>();
  const spans: number[] = [];
  for (let node = 0; node < trees.length; node++) {
    const tree = trees[node] as number;
    if (node === 0 || trees[node - 1] !== tree) {
      if (order.has(tree)) throw new Error('the nodes of a tree are not listed together');
      order.set(tree, roots.push(node) - 1);
      spans.push(0);
    }
    spans[roots.length - 1] = Math.max(spans[roots.length - 1] as number, (ids[node] ?? 0) + 1);
  }
  const starts = [0];
  for (const span of spans) starts.push((starts.at(-1) as number) + span);
  const size = starts.at(-1) as number;
  // Numbers may have gaps, where a trainer cut branches off, but not of any width.
  if (size > 16 * trees.length + 1024) throw new Error('the nodes of a tree have numbers far apart');
  const nodes = new Int32Array(size).fill(-1);
  for (const [tree, first] of roots.entries()) {
    const end = roots[tree + 1] ?? trees.length;
    for (let node = first; node < end; node++) nodes[(starts[tree] as number) + (ids[node] ?? 0)] = node;
  }
  return {
    roots,
    node: (tree, id = -1) => {
      const at = order.get(tree) ?? -1;
      const found = id >= 0 && id < (spans[at] ?? 0) ? nodes[(starts[at] as number) + id] : -1;
      if (found === undefined || found < 0) throw new Error(`node ${id} of tree ${tree} is not there`);
      return found;
    },
  };
}

/** A list of numbers, which may be given as a tensor (of double precision). */
export function numbersOf(attributes: Attributes, name: string): Float64Array {
  return attributes.get(`${name}_as_tensor`)?.tensor ?? attributes.get(name)?.floats ?? none;
}

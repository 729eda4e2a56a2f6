import { type Attributes, layOutTrees, numbersOf } from './tree-layout.ts';

/**
 * Trees in an order that they are walked fast in: the children of a node lie side by side, a leaf is its own child. Plain
 * data, which can go to another thread.
 */
export interface TreeNodes {
  /** Sums for each row: one for each target or class. */
  readonly sumsPerRow: number;
  /** Whether features, thresholds and sums are of single precision. */
  readonly single: boolean;
  /** The root of each tree, and a leaf that weighs nothing as often as fills the last group up. */
  readonly roots: Int32Array;
  /** By node: the slot of the row that it looks at, and its first child. */
  readonly nodes: Int32Array;
  /** By node: a row whose slot is at most this goes to the first child, every other to the second. */
  readonly thresholds: Float64Array;
  /** By node: where its weights begin. Only leaves have any. */
  readonly firstWeight: Int32Array;
  readonly targets: Int32Array;
  readonly weights: Float64Array;
  /** By slot: its feature. The first slot is of leaves, and of none. */
  readonly features: readonly number[];
  /** By slot: whether a missing value there goes to the first child. */
  readonly missingFirst: readonly boolean[];
}

/** How many trees are walked at a time: the processor waits for memory in each of them, and does so for all at once. */
export const treesTogether = 4;

/**
 * Builds the trees of TreeEnsembleClassifier or TreeEnsembleRegressor (https://onnx.ai/onnx/operators/).
 *
 * Throws a plain error for what only the runtime computes: other comparisons than `<=` and `<`, leaves without weights,
 * nodes that are shared.
 */
export function buildTrees(
  attributes: Attributes,
  prefix: 'class' | 'target',
  sumsPerRow: number,
  single: boolean,
): TreeNodes {
  const { roots, listed, firstChild, firstWeight, targets, weights } = layOutTrees(attributes, prefix);
  const modes = attributes.get('nodes_modes')?.strings ?? [];
  const features = attributes.get('nodes_featureids')?.ints ?? [];
  const values = numbersOf(attributes, 'nodes_values');
  const missing = attributes.get('nodes_missing_value_tracks_true')?.ints ?? [];
  const slots = new Slots();
  // Behind all nodes is the leaf that weighs nothing.
  const empty = listed.length;
  const nodes = new Int32Array(2 * empty + 2);
  const thresholds = new Float64Array(empty + 1).fill(Number.POSITIVE_INFINITY);
  for (let place = 0; place <= empty; place++) {
    const node = listed[place] ?? -1;
    const isLeaf = place === empty || firstChild[place] === place;
    nodes[2 * place + 1] = isLeaf ? place : (firstChild[place] as number);
    if (isLeaf) continue;
    nodes[2 * place] = slots.of(features[node] ?? 0, missing[node] === 1);
    thresholds[place] = threshold(modes[node], values[node], single);
  }
  if (targets.some((t) => t < 0 || t >= sumsPerRow) || !weights.every(Number.isFinite))
    throw new Error('a weight is of no use');
  const full = Math.ceil(roots.length / treesTogether) * treesTogether;
  return {
    sumsPerRow,
    single,
    roots: Int32Array.from({ length: full }, (_, i) => roots[i] ?? empty),
    nodes,
    thresholds,
    firstWeight: Int32Array.from({ length: empty + 2 }, (_, i) => firstWeight[Math.min(i, empty)] as number),
    targets,
    weights: Float64Array.from({ length: weights.length + 1 }, (_, i) => weights[i] ?? 0),
    features: slots.features,
    missingFirst: slots.missingFirst,
  };
}

/** The thresholds of all nodes by the feature that they look at. */
export function splitsOf({ nodes, thresholds, features }: TreeNodes): ReadonlyMap<number, readonly number[]> {
  const splits = new Map<number, number[]>();
  for (let node = 0; node < thresholds.length; node++) {
    const feature = features[nodes[2 * node] as number] as number;
    const known = splits.get(feature);
    if (known) known.push(thresholds[node] as number);
    else if (feature >= 0) splits.set(feature, [thresholds[node] as number]);
  }
  return splits;
}

/** Features as nodes look at them: a missing value goes to the first child of some nodes, to the second of others. */
class Slots {
  readonly features: number[] = [-1];
  readonly missingFirst: boolean[] = [false];
  readonly #slots = new Map<number, number>();

  of(feature: number, missingFirst: boolean): number {
    const key = 2 * feature + (missingFirst ? 1 : 0);
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    this.features.push(feature);
    this.#slots.set(key, this.missingFirst.push(missingFirst) - 1);
    return this.missingFirst.length - 1;
  }
}

/** What a value may be at most to go to the first child. */
function threshold(mode: string | undefined, value = Number.NaN, single = false): number {
  if (Number.isNaN(value)) throw new Error('a threshold is no number');
  if (mode === 'BRANCH_LEQ') return value;
  if (mode !== 'BRANCH_LT' || value === Number.NEGATIVE_INFINITY)
    throw new Error(`${mode} is left to the runtime`);
  return below(value, single);
}

/** The greatest number of the precision that is less: less than a threshold is at most that. */
export function below(value: number, single: boolean): number {
  if (value === 0) return single ? -(2 ** -149) : -Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  const step = value > 0 ? -1 : 1;
  if (single) {
    view.setFloat32(0, value);
    view.setInt32(0, view.getInt32(0) + step);
    return view.getFloat32(0);
  }
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(step));
  return view.getFloat64(0);
}

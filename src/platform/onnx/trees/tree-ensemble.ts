import { type Attributes, layOutTrees, numbersOf } from './tree-layout.ts';

/** How many trees are walked at a time: the processor waits for memory in each of them, and does so for all at once. */
const together = 4;
/** How many rows pass a tree before the next one comes: they and the tree are to stay in the processor's cache. */
const rowsTogether = 256;

/**
 * Trees in an order that they are walked fast in: the children of a node lie side by side, a leaf is its own child, and
 * where a row goes is computed, not branched on, since no processor can foretell it.
 */
export class TreeEnsemble {
  /** Sums for each row: one of a regressor with one target, else one for each target or class. */
  readonly sumsPerRow: number;
  readonly treeCount: number;
  /** Classes or targets that any leaf has a weight for, and whether no weight is below 0. */
  readonly weighed: ReadonlySet<number>;
  readonly allPositive: boolean;
  readonly #single: boolean;
  readonly #roots: Int32Array;
  /** By node: the slot of the row that it looks at, and its first child. */
  readonly #nodes: Int32Array;
  /** By node: a row whose slot is at most this goes to the first child, every other to the second. */
  readonly #thresholds: Float64Array;
  /** By node: where its weights begin; those of leaves alone are any. */
  readonly #firstWeight: Int32Array;
  readonly #targets: Int32Array;
  readonly #weights: Float64Array;
  /** By slot: its feature, and whether a missing value there goes to the first child. The first slot is of leaves. */
  readonly #features: readonly number[];
  readonly #missingFirst: readonly boolean[];
  #rows = new Float64Array();

  /**
   * @param attributes of TreeEnsembleClassifier or TreeEnsembleRegressor (https://onnx.ai/onnx/operators/)
   * @param single whether features, thresholds and sums are of single precision
   * Throws a plain error for what only the runtime computes: other comparisons than `<=` and `<`, leaves without
   * weights, nodes that are shared.
   */
  constructor(attributes: Attributes, prefix: 'class' | 'target', sumsPerRow: number, single: boolean) {
    this.sumsPerRow = sumsPerRow;
    this.#single = single;
    const layout = layOutTrees(attributes, prefix);
    const { roots, listed, firstChild, firstWeight } = layout;
    const modes = attributes.get('nodes_modes')?.strings ?? [];
    const features = attributes.get('nodes_featureids')?.ints ?? [];
    const values = numbersOf(attributes, 'nodes_values');
    const missing = attributes.get('nodes_missing_value_tracks_true')?.ints ?? [];
    const slots = new Slots();
    // Behind all nodes is a leaf that weighs nothing: it fills the last group of trees up.
    const empty = listed.length;
    this.#nodes = new Int32Array(2 * empty + 2);
    this.#thresholds = new Float64Array(empty + 1).fill(Number.POSITIVE_INFINITY);
    for (let place = 0; place <= empty; place++) {
      const node = listed[place] ?? -1;
      const isLeaf = place === empty || firstChild[place] === place;
      this.#nodes[2 * place + 1] = isLeaf ? place : (firstChild[place] as number);
      if (isLeaf) continue;
      this.#nodes[2 * place] = slots.of(features[node] ?? 0, missing[node] === 1);
      this.#thresholds[place] = threshold(modes[node], values[node], single);
    }
    this.treeCount = roots.length;
    const full = Math.ceil(roots.length / together) * together;
    this.#roots = Int32Array.from({ length: full }, (_, i) => roots[i] ?? empty);
    [this.#features, this.#missingFirst] = [slots.features, slots.missingFirst];
    const { targets, weights } = layout;
    if (targets.some((t) => t < 0 || t >= sumsPerRow) || !weights.every(Number.isFinite))
      throw new Error('a weight is of no use');
    this.weighed = new Set(targets);
    this.allPositive = weights.every((w) => w >= 0);
    this.#targets = targets;
    this.#firstWeight = new Int32Array(empty + 2).fill(weights.length);
    this.#firstWeight.set(firstWeight.subarray(0, empty + 1));
    this.#weights = new Float64Array(weights.length + 1);
    this.#weights.set(weights);
  }

  /** The thresholds of all nodes by the feature that they look at. */
  splits(): ReadonlyMap<number, readonly number[]> {
    const splits = new Map<number, number[]>();
    for (let node = 0; node < this.#thresholds.length; node++) {
      const feature = this.#features[this.#nodes[2 * node] as number] as number;
      const known = splits.get(feature);
      if (known) known.push(this.#thresholds[node] as number);
      else if (feature >= 0) splits.set(feature, [this.#thresholds[node] as number]);
    }
    return splits;
  }

  /**
   * Sums of the weights of the leaves that each row ends in, added up tree by tree as the runtime does.
   *
   * @param data rows of `width` features one after the other; NaN is a missing value
   */
  sum(data: Float32Array | Float64Array, width: number): Float64Array {
    const rowCount = data.length / width;
    const sums = new Float64Array(rowCount * this.sumsPerRow);
    for (let first = 0; first < rowCount; first += rowsTogether) {
      const end = Math.min(rowCount, first + rowsTogether);
      this.#walk(
        this.#slotted(data.subarray(first * width, end * width), width),
        end - first,
        sums.subarray(first * this.sumsPerRow, end * this.sumsPerRow),
      );
    }
    return sums;
  }

  #walk(rows: Float64Array, rowCount: number, sums: Float64Array): void {
    const [roots, nodes, thresholds] = [this.#roots, this.#nodes, this.#thresholds];
    const slots = this.#features.length;
    for (let tree = 0; tree < roots.length; tree += together) {
      for (let row = 0; row < rowCount; row++) {
        const at = row * slots;
        let a = roots[tree] as number;
        let b = roots[tree + 1] as number;
        let c = roots[tree + 2] as number;
        let d = roots[tree + 3] as number;
        for (;;) {
          const nextA = next(nodes, thresholds, rows, at, a);
          const nextB = next(nodes, thresholds, rows, at, b);
          const nextC = next(nodes, thresholds, rows, at, c);
          const nextD = next(nodes, thresholds, rows, at, d);
          if (((nextA ^ a) | (nextB ^ b) | (nextC ^ c) | (nextD ^ d)) === 0) break;
          a = nextA;
          b = nextB;
          c = nextC;
          d = nextD;
        }
        this.#add(sums, row, a, b, c, d);
      }
    }
  }

  /** Adds the weights of four leaves to the sums of a row. */
  #add(sums: Float64Array, row: number, a: number, b: number, c: number, d: number): void {
    if (this.sumsPerRow > 1) {
      const first = row * this.sumsPerRow;
      this.#addAll(sums, first, a);
      this.#addAll(sums, first, b);
      this.#addAll(sums, first, c);
      this.#addAll(sums, first, d);
      return;
    }
    const [w, x, y, z] = [this.#only(a), this.#only(b), this.#only(c), this.#only(d)];
    const sum = sums[row] as number;
    sums[row] = this.#single
      ? Math.fround(Math.fround(Math.fround(Math.fround(sum + w) + x) + y) + z)
      : sum + w + x + y + z;
  }

  #only(leaf: number): number {
    return this.#weights[this.#firstWeight[leaf] as number] as number;
  }

  #addAll(sums: Float64Array, first: number, leaf: number): void {
    const end = this.#firstWeight[leaf + 1] as number;
    for (let i = this.#firstWeight[leaf] as number; i < end; i++) {
      const at = first + (this.#targets[i] as number);
      const sum = (sums[at] as number) + (this.#weights[i] as number);
      sums[at] = this.#single ? Math.fround(sum) : sum;
    }
  }

  /** The rows by slot, with what a missing value stands for there. */
  #slotted(data: Float32Array | Float64Array, width: number): Float64Array {
    const [features, missingFirst] = [this.#features, this.#missingFirst];
    const rowCount = data.length / width;
    const size = rowCount * features.length;
    if (this.#rows.length < size) this.#rows = new Float64Array(size);
    const rows = this.#rows;
    for (let row = 0, at = 0; row < rowCount; row++) {
      rows[at++] = Number.NEGATIVE_INFINITY;
      for (let slot = 1; slot < features.length; slot++) {
        const given = data[row * width + (features[slot] as number)] as number;
        const value = this.#single ? Math.fround(given) : given;
        rows[at++] = missingFirst[slot] && Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
      }
    }
    return rows;
  }
}

/** The child that a row goes to; a comparison that is a number has no branch. */
function next(
  nodes: Int32Array,
  thresholds: Float64Array,
  rows: Float64Array,
  at: number,
  node: number,
): number {
  const isFirst = (rows[at + (nodes[2 * node] as number)] as number) <= (thresholds[node] as number);
  return ((nodes[2 * node + 1] as number) + 1 - +isFirst) | 0;
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

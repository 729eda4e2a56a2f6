import { type TreeNodes, treesTogether } from './tree-nodes.ts';

/** How many rows pass a tree before the next one comes: they and the tree are to stay in the processor's cache. */
const rowsTogether = 256;

/** Walks rows through trees. Where a row goes is computed, not branched on, since no processor can foretell it. */
export class TreeEnsemble {
  readonly sumsPerRow: number;
  readonly #single: boolean;
  readonly #roots: Int32Array;
  readonly #nodes: Int32Array;
  readonly #thresholds: Float64Array;
  readonly #firstWeight: Int32Array;
  readonly #targets: Int32Array;
  readonly #weights: Float64Array;
  readonly #features: readonly number[];
  readonly #missingFirst: readonly boolean[];
  #rows = new Float64Array();

  constructor(trees: TreeNodes) {
    this.sumsPerRow = trees.sumsPerRow;
    this.#single = trees.single;
    this.#roots = trees.roots;
    this.#nodes = trees.nodes;
    this.#thresholds = trees.thresholds;
    this.#firstWeight = trees.firstWeight;
    this.#targets = trees.targets;
    this.#weights = trees.weights;
    this.#features = trees.features;
    this.#missingFirst = trees.missingFirst;
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
    for (let tree = 0; tree < roots.length; tree += treesTogether) {
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

import { type TreeNodes, treesTogether } from './tree-nodes.ts';
import { openWalker, rowsTogether, type TreeWalker } from './tree-walker.ts';

/** Adds up what the leaves weigh that rows end in. */
export class TreeEnsemble {
  readonly #trees: TreeNodes;
  readonly #walker: TreeWalker;
  /** The weight of each leaf, where it has one alone. */
  readonly #weightOf: Float64Array | null;

  /** @throws RangeError where the system gives no more memory */
  constructor(trees: TreeNodes) {
    this.#trees = trees;
    this.#walker = openWalker(trees);
    this.#weightOf =
      trees.sumsPerRow === 1
        ? Float64Array.from(trees.thresholds, (_, node) => trees.weights[trees.firstWeight[node] ?? 0] ?? 0)
        : null;
  }

  /**
   * Sums of the weights of the leaves that each row ends in, added up tree by tree as the runtime does.
   *
   * @param data rows of `width` features one after the other; NaN is a missing value
   */
  sum(data: Float32Array | Float64Array, width: number): Float64Array {
    const { sumsPerRow } = this.#trees;
    const rowCount = data.length / width;
    const sums = new Float64Array(rowCount * sumsPerRow);
    for (let first = 0; first < rowCount; first += rowsTogether) {
      const end = Math.min(rowCount, first + rowsTogether);
      this.#putRows(data.subarray(first * width, end * width), width);
      this.#walker.walk(end - first);
      const own = sums.subarray(first * sumsPerRow, end * sumsPerRow);
      if (this.#weightOf) this.#addSingle(own, this.#weightOf);
      else this.#addAll(own, end - first);
    }
    return sums;
  }

  /** Puts rows before the walker by slot, with what a missing value stands for there. */
  #putRows(data: Float32Array | Float64Array, width: number): void {
    const { features, missingFirst, single } = this.#trees;
    const { rows } = this.#walker;
    const rowCount = data.length / width;
    for (let row = 0, at = 0; row < rowCount; row++) {
      rows[at++] = Number.NEGATIVE_INFINITY;
      for (let slot = 1; slot < features.length; slot++) {
        const given = data[row * width + (features[slot] as number)] as number;
        const value = single ? Math.fround(given) : given;
        rows[at++] = missingFirst[slot] && Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
      }
    }
  }

  /** One sum for each row. */
  #addSingle(sums: Float64Array, weightOf: Float64Array): void {
    const { single, roots } = this.#trees;
    const { leaves } = this.#walker;
    const end = sums.length * roots.length;
    for (let at = 0, row = 0; at < end; at += treesTogether) {
      const w = weightOf[leaves[at] as number] as number;
      const x = weightOf[leaves[at + 1] as number] as number;
      const y = weightOf[leaves[at + 2] as number] as number;
      const z = weightOf[leaves[at + 3] as number] as number;
      const sum = sums[row] as number;
      sums[row] = single
        ? Math.fround(Math.fround(Math.fround(Math.fround(sum + w) + x) + y) + z)
        : sum + w + x + y + z;
      row = row + 1 === sums.length ? 0 : row + 1;
    }
  }

  /** Several sums for each row, of which a leaf may weigh any. */
  #addAll(sums: Float64Array, rowCount: number): void {
    const { single, roots, sumsPerRow, firstWeight, targets, weights } = this.#trees;
    const { leaves } = this.#walker;
    const end = rowCount * roots.length;
    for (let at = 0; at < end; at++) {
      const first = sumsPerRow * (Math.floor(at / treesTogether) % rowCount);
      const leaf = leaves[at] as number;
      const last = firstWeight[leaf + 1] as number;
      for (let i = firstWeight[leaf] as number; i < last; i++) {
        const to = first + (targets[i] as number);
        const sum = (sums[to] as number) + (weights[i] as number);
        sums[to] = single ? Math.fround(sum) : sum;
      }
    }
  }
}

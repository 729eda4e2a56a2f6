import { type TreeNodes, treesTogether } from './tree-nodes.ts';
import { type Code, compileFunction, wasm } from './wasm-function.ts';

/** How many rows are walked at once at most: they and a few trees are to stay in the processor's cache. */
export const rowsTogether = 64;

/** A node in the walker's memory: its threshold, where in a row it looks, and the address of its first child. */
const nodeAt = { threshold: 0, slot: 8, firstChild: 12 } as const;
const nodeBytes = 16;
const nodeShift = 4;

/**
 * Walks rows through trees, in WebAssembly: the same loop in JavaScript takes twice to three times as long, since it
 * looks at each load whether it is within bounds.
 */
export interface TreeWalker {
  /** Where rows are put before a walk: slots one after the other, NaN for what is missing. */
  readonly rows: Float64Array;
  /** Where their leaves are after it: for each group of `treesTogether` trees, for each row, the node in each tree. */
  readonly leaves: Int32Array;
  walk(rowCount: number): void;
}

/** @throws RangeError where the system gives no more memory */
export function openWalker({ roots, nodes, thresholds, features }: TreeNodes): TreeWalker {
  const count = thresholds.length;
  const rowBytes = 8 * features.length;
  const rowsAt = count * nodeBytes;
  const rootsAt = rowsAt + rowsTogether * rowBytes;
  const leavesAt = rootsAt + 4 * roots.length;
  const size = leavesAt + 4 * rowsTogether * roots.length;
  const { memory, run } = walking(size);
  const view = new DataView(memory);
  for (let node = 0; node < count; node++) {
    const at = node * nodeBytes;
    view.setFloat64(at + nodeAt.threshold, thresholds[node] as number, true);
    view.setInt32(at + nodeAt.slot, 8 * (nodes[2 * node] as number), true);
    view.setInt32(at + nodeAt.firstChild, nodeBytes * (nodes[2 * node + 1] as number), true);
  }
  new Int32Array(memory, rootsAt, roots.length).set(roots.map((root) => nodeBytes * root));
  return {
    rows: new Float64Array(memory, rowsAt, rowsTogether * features.length),
    leaves: new Int32Array(memory, leavesAt, rowsTogether * roots.length),
    walk(rowCount) {
      if (rowCount > 0) run(rootsAt, leavesAt, rowsAt, rowsAt + rowCount * rowBytes, rowBytes, leavesAt);
    },
  };
}

/**
 * For each group of trees, for each row: goes from the roots down until all trees are at a leaf, which is its own child.
 * Where a row goes is computed, not branched on, since no processor can foretell it.
 */
const walking = (() => {
  const [roots, rootsEnd, rows, rowsEnd, rowBytes, leaves] = [0, 1, 2, 3, 4, 5] as const;
  const row = 6;
  const trees = Array.from({ length: treesTogether }, (_, i) => i);
  const node = (tree: number) => row + 1 + tree;
  const next = (tree: number) => node(treesTogether) + tree;
  const { get, set, constant, loadI32, loadF64, storeI32, add } = wasm;
  const ofAll = (code: (tree: number) => Code): Code => trees.flatMap(code);
  const forward = (address: number, bytes: Code): Code => [
    ...get(address),
    ...bytes,
    ...add,
    ...set(address),
  ];
  const isBelow = (address: number, end: number): Code => [...get(address), ...get(end), ...wasm.isBelow];

  const value = (tree: number): Code => [
    ...[...get(row), ...get(node(tree)), ...loadI32(nodeAt.slot), ...add],
    ...loadF64(0),
  ];
  const step = (tree: number): Code => [
    ...[...get(node(tree)), ...loadI32(nodeAt.firstChild)],
    ...[...value(tree), ...get(node(tree)), ...loadF64(nodeAt.threshold), ...wasm.isAtMost, ...wasm.not],
    ...[...constant(nodeShift), ...wasm.shiftLeft, ...add, ...set(next(tree))],
  ];
  const hasMoved = (tree: number): Code => [...get(node(tree)), ...get(next(tree)), ...wasm.xor];
  const down = wasm.repeat(ofAll(step), [
    ...ofAll((tree) => [...hasMoved(tree), ...(tree === 0 ? [] : wasm.or)]),
    ...ofAll((tree) => [...get(next(tree)), ...set(node(tree))]),
  ]);
  const eachRow = wasm.repeat(
    [
      ...ofAll((tree) => [...get(roots), ...loadI32(4 * tree), ...set(node(tree))]),
      ...down,
      ...ofAll((tree) => [
        ...[...get(leaves), ...get(node(tree)), ...constant(nodeShift), ...wasm.shiftRight],
        ...storeI32(4 * tree),
      ]),
      ...forward(leaves, constant(4 * treesTogether)),
      ...forward(row, get(rowBytes)),
    ],
    isBelow(row, rowsEnd),
  );
  const eachGroup = wasm.repeat(
    [...get(rows), ...set(row), ...eachRow, ...forward(roots, constant(4 * treesTogether))],
    isBelow(roots, rootsEnd),
  );
  return compileFunction({ parameters: row, locals: 1 + 2 * treesTogether }, eachGroup);
})();

import { Tensor } from 'onnxruntime-node';
import { createRng } from '../../../core/rng.ts';
import type { GraphOutput, GraphOutputs, GraphSession } from '../session.ts';
import { decode } from '../wire.ts';
import { TreeEnsemble } from './tree-ensemble.ts';
import { readTreeGraph, type TreeGraph, type TreeOutput } from './tree-graph.ts';
import { below, buildTrees, splitsOf, type TreeNodes } from './tree-nodes.ts';
import { finisher, readScoring, type Scoring, sumsPerRow, type TreeAnswers } from './tree-outputs.ts';

/** A graph that is one ensemble of trees, ready to be walked: plain data, which can go to another thread. */
export interface TreeModel extends Pick<TreeGraph, 'input' | 'outputs'> {
  readonly trees: TreeNodes;
  readonly scoring: Scoring;
}

const comparedRows = 64;
/** The runtime's exponential function and this one may differ in the last place of single precision. */
const lastPlaces = 2 ** -22;

/**
 * Reads a graph that is one ensemble of trees. Computed here it takes a fraction of the runtime's time: a run of the
 * runtime costs some 15 microseconds before its first tree. Null for every other graph, and where the two differ on any
 * of 64 rows at the splits of the trees, with missing and infinite values.
 *
 * Sums are equal to the last bit, classes too; a logistic function or softmax may differ by one unit in the last place
 * of single precision.
 */
export function readTreeModel(onnx: Uint8Array, runtime: GraphSession): TreeModel | null {
  try {
    const graph = readTreeGraph(decode('Model', onnx));
    if (!graph) return null;
    const prefix = graph.operator === 'TreeEnsembleClassifier' ? 'class' : 'target';
    const trees = buildTrees(graph.attributes, prefix, sumsPerRow(graph), graph.single);
    const scoring = readScoring(graph, trees);
    const model = { input: graph.input, outputs: graph.outputs, trees, scoring };
    return agree(model, runtime) ? model : null;
  } catch {
    // Ensembles have more forms than are computed here, and bytes that cannot be read the runtime has judged already.
    return null;
  }
}

/** Computes an ensemble of trees on this thread. */
export class TreeSession implements GraphSession {
  readonly movesFeeds = false;
  readonly trees: TreeModel;
  readonly #ensemble: TreeEnsemble;
  readonly #finish: (sums: Float64Array) => TreeAnswers;

  constructor(trees: TreeModel) {
    this.trees = trees;
    this.#ensemble = new TreeEnsemble(trees.trees);
    this.#finish = finisher(trees.scoring);
  }

  run(feeds: Readonly<Record<string, Tensor>>): GraphOutputs {
    const { input, outputs } = this.trees;
    const fed = feeds[input.name];
    if (fed?.type !== input.type || fed.dims.length !== 2 || fed.dims[1] !== input.width)
      throw new Error(`the input "${input.name}" is not of ${input.type} and the shape [n, ${input.width}]`);
    const sums = this.#ensemble.sum(fed.data as Float32Array | Float64Array, input.width);
    const answers = this.#finish(sums);
    return Object.fromEntries(outputs.map((output) => [output.name, this.#output(output, answers)]));
  }

  async close(): Promise<void> {}

  #output({ kind, least, most }: TreeOutput, { scores, classes }: TreeAnswers): GraphOutput {
    const { labels, scoresPerRow } = this.trees.scoring;
    if (kind === 'scores') {
      const isBounded = Number.isFinite(least) || Number.isFinite(most);
      const data = isBounded ? scores.map((score) => Math.min(Math.max(score, least), most)) : scores;
      return { data, dims: [scores.length / scoresPerRow, scoresPerRow], size: data.length };
    }
    const data =
      labels instanceof BigInt64Array
        ? BigInt64Array.from(classes, (c) => labels[c] ?? 0n)
        : Array.from(classes, (c) => labels?.[c] ?? '');
    return { data, dims: [classes.length], size: classes.length };
  }
}

/** Whether the runtime answers the same for rows where trees go wrong if they do. */
function agree(model: TreeModel, runtime: GraphSession): boolean {
  const { name, type, width } = model.input;
  const session = new TreeSession(model);
  const values = rowsAtSplits(model);
  return [comparedRows, 1].every((rows) => {
    const data = values.subarray(0, rows * width);
    const feeds = {
      [name]:
        type === 'float32'
          ? new Tensor(type, Float32Array.from(data), [rows, width])
          : new Tensor(type, Float64Array.from(data), [rows, width]),
    };
    const [own, theirs] = [session.run(feeds), runtime.run(feeds)];
    if (theirs instanceof Promise) return false;
    const isExact = model.scoring.transform === 'NONE';
    return model.outputs.every((output) => isSame(own[output.name], theirs[output.name], isExact));
  });
}

/** Values on the thresholds, next to them, missing and infinite, the same for the same model. */
function rowsAtSplits({ input: { width }, trees }: TreeModel): Float64Array {
  const splits = splitsOf(trees);
  if (Math.max(...splits.keys()) >= width) throw new Error('a split is of a feature that is not there');
  const rng = createRng(1);
  return Float64Array.from({ length: comparedRows * width }, (_, i) => {
    const of = splits.get(i % width);
    const kind = rng.int(40);
    if (kind < 2) return Number.NaN;
    if (kind === 2) return rng.int(2) === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    if (!of || kind === 3) return 20 * rng.next() - 10;
    const split = of[rng.int(of.length)] as number;
    if (kind < 10) return split;
    if (kind < 16) return below(split, trees.single);
    return kind < 22 ? -below(-split, trees.single) : split + rng.normal();
  });
}

function isSame(own: GraphOutput | undefined, theirs: GraphOutput | undefined, isExact: boolean): boolean {
  const [a, b] = [own?.data, theirs?.data] as ArrayLike<unknown>[];
  if (!a || !b || own?.dims.join() !== theirs?.dims.join()) return false;
  return Array.from(a).every((value, i) => {
    const other = b[i];
    return typeof value === 'number' && !isExact
      ? Math.abs(value - Number(other)) <= lastPlaces
      : value === other;
  });
}

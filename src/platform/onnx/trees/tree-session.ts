import { Tensor } from 'onnxruntime-node';
import { createRng } from '../../../core/rng.ts';
import type { GraphOutput, GraphOutputs, GraphSession } from '../session.ts';
import { decode } from '../wire.ts';
import { below, TreeEnsemble } from './tree-ensemble.ts';
import { readTreeGraph, type TreeGraph, type TreeOutput } from './tree-graph.ts';
import { sumsPerRow, type TreeAnswers, type TreeOutputs, treeOutputs } from './tree-outputs.ts';

type Feeds = Readonly<Record<string, Tensor>>;

const comparedRows = 64;
/** The runtime's exponential function and this one may differ in the last place of single precision. */
const lastPlaces = 2 ** -22;

/**
 * Computes a graph that is one ensemble of trees here, which takes a fraction of the runtime's time: a run of the
 * runtime costs some 30 microseconds before its first tree. Where the graph is another one, or the two differ on any
 * of 64 rows at the splits of the trees, with missing and infinite values, the runtime's own session is given back.
 *
 * Sums are equal to the last bit, classes too; a logistic function or softmax may differ by one unit in the last place
 * of single precision.
 */
export function treeSession(onnx: Uint8Array, runtime: GraphSession): GraphSession {
  try {
    const graph = readTreeGraph(decode('Model', onnx));
    if (!graph) return runtime;
    const own = new TreeSession(graph, runtime);
    return own.agrees() ? own : runtime;
  } catch {
    // Ensembles have more forms than are computed here, and bytes that cannot be read the runtime has judged already.
    return runtime;
  }
}

class TreeSession implements GraphSession {
  readonly movesFeeds = false;
  readonly #runtime: GraphSession;
  /** Without its attributes, which are as large as the model. */
  readonly #graph: Omit<TreeGraph, 'attributes'>;
  readonly #isExact: boolean;
  readonly #trees: TreeEnsemble;
  readonly #outputs: TreeOutputs;

  constructor(graph: TreeGraph, runtime: GraphSession) {
    this.#runtime = runtime;
    const { attributes, ...rest } = graph;
    this.#graph = rest;
    this.#isExact = (attributes.get('post_transform')?.text ?? 'NONE') === 'NONE';
    const prefix = graph.operator === 'TreeEnsembleClassifier' ? 'class' : 'target';
    this.#trees = new TreeEnsemble(attributes, prefix, sumsPerRow(graph), graph.single);
    this.#outputs = treeOutputs(graph, this.#trees);
    if (Math.max(...this.#trees.splits().keys()) >= graph.input.width)
      throw new Error('a split is of a feature that is not there');
  }

  run(feeds: Feeds): GraphOutputs | Promise<GraphOutputs> {
    const { name, type, width } = this.#graph.input;
    const fed = feeds[name];
    const fits = fed?.type === type && fed.dims.length === 2 && fed.dims[1] === width;
    if (!fits) return this.#runtime.run(feeds);
    const answers = this.#outputs.finish(this.#trees.sum(fed.data as Float32Array | Float64Array, width));
    return Object.fromEntries(
      this.#graph.outputs.map((output) => [output.name, this.#output(output, answers, fed.dims[0] ?? 0)]),
    );
  }

  close(): Promise<void> {
    return this.#runtime.close();
  }

  /** Whether the runtime answers the same for rows where trees go wrong if they do. */
  agrees(): boolean {
    const { name, type, width } = this.#graph.input;
    const values = this.#rowsAtSplits();
    for (const rows of [comparedRows, 1]) {
      const data = values.subarray(0, rows * width);
      const feeds = {
        [name]:
          type === 'float32'
            ? new Tensor(type, Float32Array.from(data), [rows, width])
            : new Tensor(type, Float64Array.from(data), [rows, width]),
      };
      const [own, theirs] = [this.run(feeds), this.#runtime.run(feeds)];
      if (own instanceof Promise || theirs instanceof Promise) return false;
      if (!this.#graph.outputs.every((output) => this.#isSame(own[output.name], theirs[output.name])))
        return false;
    }
    return true;
  }

  #output(
    { kind, least, most }: TreeOutput,
    { scores, classes }: TreeAnswers,
    rowCount: number,
  ): GraphOutput {
    const { labels, scoresPerRow } = this.#outputs;
    if (kind === 'scores') {
      const isBounded = Number.isFinite(least) || Number.isFinite(most);
      const data = isBounded ? scores.map((score) => Math.min(Math.max(score, least), most)) : scores;
      return { data, dims: [rowCount, scoresPerRow], size: data.length };
    }
    const data =
      labels instanceof BigInt64Array
        ? BigInt64Array.from(classes, (c) => labels[c] ?? 0n)
        : Array.from(classes, (c) => labels?.[c] ?? '');
    return { data, dims: [rowCount], size: rowCount };
  }

  /** Values on the thresholds, next to them, missing and infinite, the same for the same model. */
  #rowsAtSplits(): Float64Array {
    const { width } = this.#graph.input;
    const splits = this.#trees.splits();
    const rng = createRng(1);
    return Float64Array.from({ length: comparedRows * width }, (_, i) => {
      const of = splits.get(i % width);
      const kind = rng.int(40);
      if (kind < 2) return Number.NaN;
      if (kind === 2) return rng.int(2) === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      if (!of || kind === 3) return 20 * rng.next() - 10;
      const split = of[rng.int(of.length)] as number;
      if (kind < 10) return split;
      if (kind < 16) return below(split, this.#graph.single);
      return kind < 22 ? -below(-split, this.#graph.single) : split + rng.normal();
    });
  }

  #isSame(own: GraphOutput | undefined, theirs: GraphOutput | undefined): boolean {
    const [a, b] = [own?.data, theirs?.data] as ArrayLike<unknown>[];
    if (!a || !b || own?.dims.join() !== theirs?.dims.join()) return false;
    return Array.from(a).every((value, i) => {
      const other = b[i];
      return typeof value === 'number' && !this.#isExact
        ? Math.abs(value - Number(other)) <= lastPlaces
        : value === other;
    });
  }
}

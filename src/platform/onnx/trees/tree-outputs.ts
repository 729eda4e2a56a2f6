import type { TreeGraph } from './tree-graph.ts';
import { numbersOf } from './tree-layout.ts';
import type { TreeNodes } from './tree-nodes.ts';

/** What an ensemble answers for some rows. */
export interface TreeAnswers {
  /** Scores of each row, one after the other; of single precision, as the runtime's are. */
  readonly scores: Float32Array;
  /** The class of each row; empty for regressors. */
  readonly classes: Int32Array;
}

/** What an ensemble does with its sums: the rest of what its operator says. Plain data. */
export interface Scoring {
  readonly kind: 'regression' | 'binary' | 'multiclass';
  /** Whether sums and what is made of them are of single precision. */
  readonly single: boolean;
  readonly scoresPerRow: number;
  readonly base: Float64Array;
  readonly transform: string;
  /** What sums are divided by: the number of trees where their mean is wanted. */
  readonly divisor: number;
  readonly allPositive: boolean;
  /** The labels of the classes; null of regressors. */
  readonly labels: readonly string[] | BigInt64Array | null;
}

/** Makes scores and classes of the sums of some rows. */
type Finish = (sums: Float64Array) => TreeAnswers;

/** How many sums a row has: one for each target or class; one of two classes where the leaves weigh the first alone. */
export function sumsPerRow({ operator, attributes }: Pick<TreeGraph, 'operator' | 'attributes'>): number {
  if (operator === 'TreeEnsembleRegressor') return attributes.get('n_targets')?.int ?? 1;
  const count = classCount(attributes);
  const isBinary = count === 2 && attributes.get('class_ids')?.ints?.every((id) => id === 0);
  return isBinary ? 1 : count;
}

function classCount(attributes: TreeGraph['attributes']): number {
  const numbers = attributes.get('classlabels_int64s')?.ints;
  return (numbers ?? attributes.get('classlabels_strings')?.strings)?.length ?? 0;
}

/** Reads what becomes of the sums. Throws a plain error for what only the runtime computes. */
export function readScoring(graph: TreeGraph, trees: TreeNodes): Scoring {
  const { attributes, operator, single } = graph;
  const text = (name: string, otherwise: string) => attributes.get(name)?.text ?? otherwise;
  const base = numbersOf(attributes, 'base_values').slice();
  const transform = text('post_transform', 'NONE');
  const aggregate = text('aggregate_function', 'SUM');
  const perRow = trees.sumsPerRow;
  const common = {
    single,
    scoresPerRow: perRow,
    base,
    transform,
    divisor: 1,
    allPositive: trees.weights.every((w) => w >= 0),
    labels: null,
  };
  if (operator === 'TreeEnsembleRegressor') {
    if (transform !== 'NONE' || (aggregate !== 'SUM' && aggregate !== 'AVERAGE') || !fits(base, perRow))
      throw new Error(`${aggregate} and ${transform} are left to the runtime`);
    const divisor = aggregate === 'AVERAGE' ? new Set(attributes.get('nodes_treeids')?.ints).size : 1;
    return { ...common, kind: 'regression', divisor };
  }
  const labels = labelsOf(graph);
  if (
    perRow === 1 &&
    classCount(attributes) === 2 &&
    base.length <= 1 &&
    isOneOf(transform, 'NONE', 'LOGISTIC')
  )
    return { ...common, kind: 'binary', scoresPerRow: 2, labels };
  const isWhole = perRow > 2 && new Set(trees.targets).size === perRow && fits(base, perRow);
  if (!isWhole || !isOneOf(transform, 'NONE', 'LOGISTIC', 'SOFTMAX'))
    throw new Error('such classes are left to the runtime');
  return { ...common, kind: 'multiclass', labels };
}

const isOneOf = (text: string, ...texts: readonly string[]) => texts.includes(text);

/**
 * Sums become scores as the runtime has it (tree_ensemble_aggregator.h and ml_common.h of ONNX Runtime), base values
 * and the transformation at the end included.
 */
export function finisher(scoring: Scoring): Finish {
  const round = scoring.single ? Math.fround : (value: number) => value;
  if (scoring.kind === 'regression') return regression(scoring, round);
  return scoring.kind === 'binary' ? binary(scoring, round) : multiclass(scoring, round);
}

const fits = (base: Float64Array, perRow: number) => base.length === 0 || base.length === perRow;

function labelsOf({ attributes, outputs }: TreeGraph): Scoring['labels'] {
  const texts = attributes.get('classlabels_strings')?.strings;
  if (texts || !outputs.some((o) => o.kind === 'label')) return texts ?? null;
  return BigInt64Array.from(Array.from(attributes.get('classlabels_int64s')?.ints ?? [], BigInt));
}

type Round = (value: number) => number;

function regression({ base, divisor }: Scoring, round: Round): Finish {
  const scores = (sum: number, i: number) => round(round(sum / divisor) + (base[i % base.length] ?? 0));
  return (sums) => ({ scores: Float32Array.from(sums, scores), classes: new Int32Array() });
}

/**
 * Two classes. The leaves weigh the first and mean the second: its probability where no weight is below 0, else a number
 * that is above 0 for it.
 */
function binary({ base: [base = 0], transform, allPositive }: Scoring, round: Round): Finish {
  const isLogistic = transform === 'LOGISTIC' && !allPositive;
  return (sums) => {
    const scores = new Float32Array(2 * sums.length);
    const classes = new Int32Array(sums.length);
    for (let row = 0; row < sums.length; row++) {
      const sum = round((sums[row] as number) + base);
      classes[row] = sum > (allPositive ? 0.5 : 0) ? 1 : 0;
      const other = allPositive ? 1 - sum : -sum;
      scores[2 * row] = isLogistic ? logistic(other) : other;
      scores[2 * row + 1] = isLogistic ? logistic(sum) : sum;
    }
    return { scores, classes };
  };
}

/** The class is the first with the greatest sum. */
function multiclass({ scoresPerRow: perRow, base, transform }: Scoring, round: Round): Finish {
  return (sums) => {
    const classes = new Int32Array(sums.length / perRow);
    for (let row = 0; row < classes.length; row++) {
      const own = sums.subarray(row * perRow, (row + 1) * perRow);
      let best = 0;
      for (let i = 0; i < perRow; i++) {
        own[i] = round((own[i] as number) + (base[i] ?? 0));
        if ((own[i] as number) > (own[best] as number)) best = i;
      }
      classes[row] = best;
      if (transform === 'LOGISTIC') own.set(own.map(logistic));
      if (transform === 'SOFTMAX') softmax(own);
    }
    return { scores: Float32Array.from(sums), classes };
  };
}

/** In single precision, of the number's magnitude, as the runtime has it for numbers of either precision. */
function logistic(value: number): number {
  const magnitude = Math.abs(Math.fround(value));
  const share = Math.fround(1 / Math.fround(1 + Math.fround(Math.exp(-magnitude))));
  return value < 0 ? Math.fround(1 - share) : share;
}

function softmax(row: Float64Array): void {
  const most = row.reduce((a, b) => Math.max(a, Math.fround(b)), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    row[i] = Math.fround(Math.exp(Math.fround(Math.fround(row[i] as number) - most)));
    sum = Math.fround(sum + (row[i] as number));
  }
  for (let i = 0; i < row.length; i++) row[i] = Math.fround((row[i] as number) / sum);
}

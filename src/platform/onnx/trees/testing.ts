import type { Rng } from '../../../core/rng.ts';
import { encode } from '../wire.ts';

/** What kind of ensemble is made. */
export interface Kind {
  readonly operator: 'TreeEnsembleClassifier' | 'TreeEnsembleRegressor';
  readonly double: boolean;
  readonly transform: 'NONE' | 'LOGISTIC' | 'SOFTMAX';
  /** Classes or targets. */
  readonly count: number;
  readonly labels?: readonly number[] | readonly string[];
  readonly mode?: string;
  readonly base?: readonly number[];
  readonly aggregate?: string;
  /** A leaf weighs all classes, as in forests, or one of them, as in boosting. */
  readonly weighsAll?: boolean;
  readonly positive?: boolean;
  readonly clipped?: boolean;
}

/** Features of each ensemble. */
export const width = 5;
const [ints, floats, text, strings, tensor] = [7, 6, 3, 8, 4];
const bytes = (value: string) => new TextEncoder().encode(value);

/** Trees of random shapes on five features, whose thresholds are few, so that rows meet them. */
export function ensembleOnnx(kind: Kind, rng: Rng): Uint8Array {
  const nodes: {
    tree: number;
    id: number;
    feature: number;
    mode: string;
    value: number;
    yes: number;
    no: number;
  }[] = [];
  const weights: { tree: number; id: number; target: number; value: number }[] = [];
  const trees = 1 + rng.int(11);
  for (let tree = 0; tree < trees; tree++) {
    let ids = 0;
    const grow = (depth: number): number => {
      const id = ids;
      ids++;
      const node = { tree, id, feature: rng.int(width), mode: 'LEAF', value: 0, yes: 0, no: 0 };
      nodes.push(node);
      if (depth > 0 && rng.int(5) > 0) {
        node.mode = kind.mode ?? (rng.int(2) === 0 ? 'BRANCH_LEQ' : 'BRANCH_LT');
        node.value = Math.fround((rng.int(9) - 4) / 3);
        node.yes = grow(depth - 1);
        node.no = grow(depth - 1);
        return id;
      }
      const isBinary = kind.operator === 'TreeEnsembleClassifier' && kind.count === 2;
      const targets = kind.weighsAll
        ? Array.from({ length: kind.count }, (_, i) => i)
        : [isBinary ? 0 : tree % kind.count];
      for (const target of targets) {
        const value = kind.positive ? rng.next() / trees : rng.normal();
        weights.push({ tree, id, target, value: kind.double ? value : Math.fround(value) });
      }
      return id;
    };
    grow(1 + rng.int(9));
  }
  const list = (name: string, values: number[]) => encode('Attribute', { name, ints: values, type: ints });
  const numbers = (name: string, values: number[]) => {
    if (!kind.double) return encode('Attribute', { name, floats: values, type: floats });
    const rawData = new Uint8Array(Float64Array.from(values).buffer);
    const t = encode('Tensor', { dims: [values.length], dataType: 11, rawData });
    return encode('Attribute', { name: `${name}_as_tensor`, t, type: tensor });
  };
  const isClassifier = kind.operator === 'TreeEnsembleClassifier';
  const prefix = isClassifier ? 'class' : 'target';
  const labels = kind.labels ?? Array.from({ length: kind.count }, (_, i) => i - 1);
  const attribute = [
    list(
      'nodes_treeids',
      nodes.map((n) => n.tree),
    ),
    list(
      'nodes_nodeids',
      nodes.map((n) => n.id),
    ),
    list(
      'nodes_featureids',
      nodes.map((n) => n.feature),
    ),
    list(
      'nodes_truenodeids',
      nodes.map((n) => n.yes),
    ),
    list(
      'nodes_falsenodeids',
      nodes.map((n) => n.no),
    ),
    list(
      'nodes_missing_value_tracks_true',
      nodes.map(() => rng.int(2)),
    ),
    encode('Attribute', { name: 'nodes_modes', strings: nodes.map((n) => bytes(n.mode)), type: strings }),
    numbers(
      'nodes_values',
      nodes.map((n) => n.value),
    ),
    list(
      `${prefix}_treeids`,
      weights.map((w) => w.tree),
    ),
    list(
      `${prefix}_nodeids`,
      weights.map((w) => w.id),
    ),
    list(
      `${prefix}_ids`,
      weights.map((w) => w.target),
    ),
    numbers(
      `${prefix}_weights`,
      weights.map((w) => w.value),
    ),
    encode('Attribute', { name: 'post_transform', s: bytes(kind.transform), type: text }),
    ...(kind.base ? [numbers('base_values', [...kind.base])] : []),
    ...(kind.aggregate
      ? [encode('Attribute', { name: 'aggregate_function', s: bytes(kind.aggregate), type: text })]
      : []),
    ...(isClassifier
      ? [
          typeof labels[0] === 'string'
            ? encode('Attribute', {
                name: 'classlabels_strings',
                strings: labels.map((l) => bytes(String(l))),
                type: strings,
              })
            : list('classlabels_int64s', labels.map(Number)),
        ]
      : [encode('Attribute', { name: 'n_targets', i: kind.count, type: 2 })]),
  ];
  const outputs = isClassifier ? ['label', 'scores'] : ['scores'];
  const value = (name: string, elemType: number, ...dims: (number | string)[]) => ({
    name,
    type: {
      tensorType: {
        elemType,
        shape: { dim: dims.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d })) },
      },
    },
  });
  const last = kind.clipped ? 'unbounded' : 'scores';
  const node = [
    encode('Node', {
      opType: kind.operator,
      domain: 'ai.onnx.ml',
      input: ['features'],
      output: outputs.map((name) => (name === 'scores' ? last : name)),
      attribute,
    }),
    ...(kind.clipped
      ? [encode('Node', { opType: 'Clip', input: [last, 'least', 'most'], output: ['scores'] })]
      : []),
  ];
  const bound = (name: string, number: number) =>
    encode('Tensor', { name, dims: [], dataType: 1, floatData: [number] });
  return encode('Model', {
    irVersion: 8,
    opsetImport: [
      { domain: '', version: 15 },
      { domain: 'ai.onnx.ml', version: 3 },
    ],
    graph: {
      name: 'trees',
      node,
      input: [value('features', kind.double ? 11 : 1, 'N', width)],
      output: outputs.map((name) =>
        name === 'label'
          ? value(name, typeof labels[0] === 'string' ? 8 : 7, 'N')
          : value(name, 1, 'N', isClassifier || kind.count > 1 ? Math.max(kind.count, 2) : 1),
      ),
      initializer: kind.clipped ? [bound('least', 0), bound('most', 0.6)] : [],
    },
  });
}

import { decode, type Model, type Node } from '../wire.ts';
import { type AttributeValues, readAttributes, readTensor } from './tree-attributes.ts';

/** A graph that is one ensemble of trees, with at most casts and bounds around it. */
export interface TreeGraph {
  readonly input: { readonly name: string; readonly type: 'float32' | 'float64'; readonly width: number };
  /** Whether the trees see single precision, which doubles of callers are rounded to. */
  readonly single: boolean;
  readonly operator: 'TreeEnsembleClassifier' | 'TreeEnsembleRegressor';
  readonly attributes: ReadonlyMap<string, AttributeValues>;
  readonly outputs: readonly TreeOutput[];
}

/** An output of the graph: the label, or the scores, which lie between `least` and `most`. */
export interface TreeOutput {
  readonly name: string;
  readonly kind: 'label' | 'scores';
  readonly least: number;
  readonly most: number;
}

/** What a tensor inside the graph is. */
type Meaning = { readonly kind: 'features'; readonly single: boolean } | Omit<TreeOutput, 'name'>;

const elements = { 1: 'float32', 11: 'float64' } as const;
const floatType = 1;
const int64Type = 7;

/**
 * Recognizes the graphs that converters of tree models write (skl2onnx, onnxmltools): an ensemble, a cast before it,
 * and casts to single precision, copies and bounds of its scores after it. Null for every other graph.
 */
export function readTreeGraph(model: Model): TreeGraph | null {
  const { node = [], input = [], output = [], initializer = [] } = model.graph ?? {};
  const [only] = input;
  const tensor = only?.type?.tensorType;
  const type = elements[tensor?.elemType as keyof typeof elements];
  const dims = tensor?.shape?.dim ?? [];
  const width = dims[1]?.dimValue ?? 0;
  if (input.length !== 1 || !only?.name || !type || dims.length !== 2 || width < 1 || node.length > 8)
    return null;
  const known = new Map<string, Meaning>([[only.name, { kind: 'features', single: type === 'float32' }]]);
  const constants = new Map(initializer.map((bytes) => [decode('Tensor', bytes).name ?? '', bytes]));
  let trees: Pick<TreeGraph, 'single' | 'operator' | 'attributes'> | null = null;
  for (const bytes of node) {
    const part = decode('Node', bytes);
    const from = known.get(part.input?.[0] ?? '');
    const [to = '', scores = ''] = part.output ?? [];
    if (!from) return null;
    if (from.kind === 'features' && isEnsemble(part) && !trees) {
      trees = {
        single: from.single,
        operator: part.opType,
        attributes: readAttributes(part.attribute ?? []),
      };
      const unbounded = {
        kind: 'scores',
        least: Number.NEGATIVE_INFINITY,
        most: Number.POSITIVE_INFINITY,
      } as const;
      if (part.opType === 'TreeEnsembleRegressor') known.set(to, unbounded);
      else known.set(to, { ...unbounded, kind: 'label' }).set(scores, unbounded);
      continue;
    }
    const meaning = passedOn(part, from, constants);
    if (!meaning) return null;
    known.set(to, meaning);
  }
  const outputs = output.flatMap(({ name = '' }) => {
    const meaning = known.get(name);
    return meaning && meaning.kind !== 'features' ? [{ name, ...meaning }] : [];
  });
  if (!trees || outputs.length < output.length) return null;
  return { input: { name: only.name, type, width }, ...trees, outputs };
}

function isEnsemble(node: Node): node is Node & { opType: TreeGraph['operator'] } {
  return (
    node.domain === 'ai.onnx.ml' &&
    (node.opType === 'TreeEnsembleClassifier' || node.opType === 'TreeEnsembleRegressor')
  );
}

/** What a node makes of a tensor; null for what is not known. */
function passedOn(node: Node, from: Meaning, constants: ReadonlyMap<string, Uint8Array>): Meaning | null {
  if (node.domain) return null;
  if (node.opType === 'Identity') return from;
  if (node.opType === 'Cast') {
    const to = readAttributes(node.attribute ?? []).get('to')?.int;
    // Scores of ensembles are of single precision, whatever their trees compute with.
    if (to === floatType && from.kind !== 'label')
      return from.kind === 'features' ? { ...from, single: true } : from;
    return to === int64Type && from.kind === 'label' ? from : null;
  }
  if (node.opType !== 'Clip' || from.kind !== 'scores') return null;
  const bound = (at: number) => {
    const bytes = constants.get(node.input?.[at] ?? '');
    return bytes ? readTensor(bytes)[0] : undefined;
  };
  const [least, most] = [bound(1), bound(2)];
  return least === undefined || most === undefined ? null : { ...from, least, most };
}

import type { PackageManifest } from '../../core/model-package.ts';
import { encode, type Node, type ValueInfo } from './wire.ts';

/** Small ONNX models made in place, so that tests need no Python. */

const float = 1;
const int64 = 7;
const string = 8;

function value(name: string, elemType: number, ...dims: (number | string)[]): ValueInfo {
  const dim = dims.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

function model(
  nodes: Node[],
  input: ValueInfo[],
  output: ValueInfo[],
  initializer: Uint8Array[] = [],
): Uint8Array {
  return encode('Model', {
    irVersion: 8,
    producerName: 'millrace-tests',
    opsetImport: [
      { domain: '', version: 15 },
      { domain: 'ai.onnx.ml', version: 2 },
    ],
    graph: { name: 'test', node: nodes.map((n) => encode('Node', n)), input, output, initializer },
  });
}

function floatsAttribute(name: string, floats: number[]): Uint8Array {
  return encode('Attribute', { name, floats, type: 6 });
}

/**
 * A logistic regression on two float columns `x1` and `x2` (each [N, 1]) with a ZipMap, as skl2onnx makes
 * them: outputs `label` and `probability`. Probability of class 1: 1 / (1 + exp(-(w1 x1 + w2 x2 + b))).
 */
export function logisticOnnx(w1 = 1, w2 = -1, b = 0): Uint8Array {
  return model(
    [
      {
        opType: 'Concat',
        input: ['x1', 'x2'],
        output: ['x'],
        attribute: [encode('Attribute', { name: 'axis', i: 1, type: 2 })],
      },
      {
        opType: 'LinearClassifier',
        domain: 'ai.onnx.ml',
        input: ['x'],
        output: ['label', 'scores'],
        attribute: [
          floatsAttribute('coefficients', [-w1, -w2, w1, w2]),
          floatsAttribute('intercepts', [-b, b]),
          encode('Attribute', { name: 'classlabels_ints', ints: [0, 1], type: 7 }),
          encode('Attribute', { name: 'post_transform', s: new TextEncoder().encode('LOGISTIC'), type: 3 }),
        ],
      },
      {
        opType: 'ZipMap',
        domain: 'ai.onnx.ml',
        input: ['scores'],
        output: ['probability'],
        attribute: [encode('Attribute', { name: 'classlabels_int64s', ints: [0, 1], type: 7 })],
      },
    ],
    [value('x1', float, 'N', 1), value('x2', float, 'N', 1)],
    [value('label', int64, 'N'), { name: 'probability', type: { sequenceType: new Uint8Array() } }],
  );
}

/** The graph part of the manifest that belongs to logisticOnnx. */
export function logisticPackage(): Pick<PackageManifest, 'signature' | 'graph' | 'score' | 'classes'> {
  const column = (name: string) => ({ name, type: 'double' as const, required: true, shape: [] });
  return {
    signature: {
      inputs: [column('x1'), column('x2')],
      outputs: [
        { name: 'label', type: 'long', required: true, shape: [] },
        { name: 'probability', type: 'float', required: true, shape: [2] },
      ],
    },
    graph: {
      inputs: ['x1', 'x2'].map((name) => ({ name, type: 'float' as const, shape: [-1, 1], columns: [name] })),
      outputs: [
        { name: 'label', type: 'int64', shape: [-1] },
        { name: 'probability', type: 'float', shape: [-1, 2] },
      ],
    },
    score: { output: 'probability', index: 1 },
    classes: [0, 1],
  };
}

/** A logistic regression on one float input `features` of [N, width], all weights 1 / width. */
export function wideOnnx(width: number): Uint8Array {
  const weights = Array.from({ length: width }, () => 1 / width);
  return model(
    [
      {
        opType: 'LinearClassifier',
        domain: 'ai.onnx.ml',
        input: ['features'],
        output: ['label', 'probability'],
        attribute: [
          floatsAttribute('coefficients', [...weights.map((w) => -w), ...weights]),
          floatsAttribute('intercepts', [0, 0]),
          encode('Attribute', { name: 'classlabels_ints', ints: [0, 1], type: 7 }),
          encode('Attribute', {
            name: 'post_transform',
            s: new TextEncoder().encode('LOGISTIC'),
            type: 3,
          }),
        ],
      },
    ],
    [value('features', float, 'N', width)],
    [value('label', int64, 'N'), value('probability', float, 'N', 2)],
  );
}

/** The graph part of the manifest that belongs to wideOnnx: columns `f1` to `f<width>`. */
export function widePackage(
  width: number,
): Pick<PackageManifest, 'signature' | 'graph' | 'score' | 'classes'> {
  const columns = Array.from({ length: width }, (_, i) => `f${i + 1}`);
  const { graph, score, classes } = logisticPackage();
  return {
    signature: {
      inputs: columns.map((name) => ({ name, type: 'double', required: true, shape: [] })),
      outputs: [],
    },
    graph: {
      inputs: [{ name: 'features', type: 'float', shape: [-1, width], columns }],
      outputs: graph.outputs,
    },
    score,
    classes,
  };
}

/**
 * `layers` dense layers of `width` x `width` on the columns of widePackage(width): heavy to load and to run, and
 * with the same outputs as wideOnnx.
 */
export function deepOnnx(width: number, layers: number): Uint8Array {
  const names = Array.from({ length: layers + 1 }, (_, i) => (i === 0 ? 'features' : `h${i}`));
  const values = Float32Array.from({ length: width * width }, (_, i) => Math.sin(i) / width);
  const rawData = new Uint8Array(values.buffer);
  const weights = names
    .slice(1)
    .map((name) => encode('Tensor', { name: `w_${name}`, dims: [width, width], dataType: float, rawData }));
  const dense = names.slice(1).flatMap((name, layer) => [
    { opType: 'MatMul', input: [names[layer] ?? '', `w_${name}`], output: [`m_${name}`] },
    { opType: 'Tanh', input: [`m_${name}`], output: [name] },
  ]);
  const classifier = {
    opType: 'LinearClassifier',
    domain: 'ai.onnx.ml',
    input: [names[layers] ?? ''],
    output: ['label', 'probability'],
    attribute: [
      floatsAttribute(
        'coefficients',
        Array.from({ length: 2 * width }, (_, i) => (i < width ? -1 : 1) / width),
      ),
      floatsAttribute('intercepts', [0, 0]),
      encode('Attribute', { name: 'classlabels_ints', ints: [0, 1], type: 7 }),
      encode('Attribute', { name: 'post_transform', s: new TextEncoder().encode('LOGISTIC'), type: 3 }),
    ],
  };
  return model(
    [...dense, classifier],
    [value('features', float, 'N', width)],
    [value('label', int64, 'N'), value('probability', float, 'N', 2)],
    weights,
  );
}

/**
 * `y` is `x` and `d`, two numbers each, together; `d` has an initializer.
 *
 * @param branches whether it has graphs inside graphs
 */
export function addedOnnx(initializer: readonly number[], branches = false): Uint8Array {
  const branch = encode('Graph', {
    node: [encode('Node', { opType: 'Identity', input: ['d'], output: ['b'] })],
  });
  const both = ['then_branch', 'else_branch'].map((name) =>
    encode('Attribute', { name, g: branch, type: 5 }),
  );
  const add: Node = { opType: 'Add', input: ['x', 'd'], output: ['y'] };
  const choose: Node = { opType: 'If', input: ['c'], output: ['e'], attribute: both };
  return model(
    branches ? [add, choose] : [add],
    [value('x', float, 2), value('d', float, 2)],
    [value('y', float, 2)],
    [encode('Tensor', { name: 'd', dims: [2], dataType: float, floatData: [...initializer] })],
  );
}

/** Gives each of its inputs back: `text` (string), `number` (int64), `vector` (float, 3 wide). */
export function identityOnnx(): Uint8Array {
  const names: [string, number, (number | string)[]][] = [
    ['text', string, ['N', 1]],
    ['number', int64, ['N', 1]],
    ['vector', float, ['N', 3]],
  ];
  return model(
    names.map(([name]) => ({ opType: 'Identity', input: [name], output: [`${name}_out`] })),
    names.map(([name, type, dims]) => value(name, type, ...dims)),
    names.map(([name, type, dims]) => value(`${name}_out`, type, ...dims)),
  );
}

export function identityPackage(): Pick<PackageManifest, 'signature' | 'graph' | 'score'> {
  const field = (name: string, type: 'string' | 'long' | 'float', shape: number[]) => ({
    name,
    type,
    required: true,
    shape,
  });
  return {
    signature: {
      inputs: [field('text', 'string', []), field('number', 'long', []), field('vector', 'float', [3])],
      outputs: [],
    },
    graph: {
      inputs: [
        { name: 'text', type: 'string', shape: [-1, 1], columns: ['text'] },
        { name: 'number', type: 'int64', shape: [-1, 1], columns: ['number'] },
        { name: 'vector', type: 'float', shape: [-1, 3], columns: ['vector'] },
      ],
      outputs: [
        { name: 'text_out', type: 'string', shape: [-1, 1] },
        { name: 'number_out', type: 'int64', shape: [-1, 1] },
        { name: 'vector_out', type: 'float', shape: [-1, 3] },
      ],
    },
    score: null,
  };
}

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encode, type Node, type ValueInfo } from '../src/platform/onnx/wire.ts';

/**
 * Writes the example repository of models, `examples/models`, in Triton's layout: the models that the example programs
 * of its clients ask for. `node scripts/example-models.ts [directory]`.
 */

const int32 = 6;
const string = 8;
const width = 16;

function tensor(name: string, elemType: number, row: number | string): ValueInfo {
  const dim = [{ dimParam: 'N' }, typeof row === 'number' ? { dimValue: row } : { dimParam: row }];
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

function model(name: string, nodes: readonly Node[], input: ValueInfo[], output: ValueInfo[]): Uint8Array {
  return encode('Model', {
    irVersion: 8,
    producerName: 'millrace',
    opsetImport: [{ domain: '', version: 15 }],
    graph: { name, node: nodes.map((node) => encode('Node', node)), input, output },
  });
}

function cast(from: string, to: string, elemType: number): Node {
  return {
    opType: 'Cast',
    input: [from],
    output: [to],
    attribute: [encode('Attribute', { name: 'to', i: elemType, type: 2 })],
  };
}

const both = ['INPUT0', 'INPUT1'];
const sumAndDifference = (inputs: string[], outputs: readonly [string, string]): Node[] => [
  { opType: 'Add', input: inputs, output: [outputs[0]] },
  { opType: 'Sub', input: inputs, output: [outputs[1]] },
];

/** OUTPUT0 is the sum and OUTPUT1 the difference of two rows of 16 integers. */
function simple(): Uint8Array {
  return model(
    'simple',
    sumAndDifference(both, ['OUTPUT0', 'OUTPUT1']),
    both.map((name) => tensor(name, int32, width)),
    ['OUTPUT0', 'OUTPUT1'].map((name) => tensor(name, int32, width)),
  );
}

/** The same with the integers written as texts. */
function simpleString(): Uint8Array {
  return model(
    'simple_string',
    [
      cast('INPUT0', 'a', int32),
      cast('INPUT1', 'b', int32),
      ...sumAndDifference(['a', 'b'], ['sum', 'difference']),
      cast('sum', 'OUTPUT0', string),
      cast('difference', 'OUTPUT1', string),
    ],
    both.map((name) => tensor(name, string, width)),
    ['OUTPUT0', 'OUTPUT1'].map((name) => tensor(name, string, width)),
  );
}

/** Gives texts back as they are, as many as there are in a row. */
function simpleIdentity(): Uint8Array {
  return model(
    'simple_identity',
    [{ opType: 'Identity', input: ['INPUT0'], output: ['OUTPUT0'] }],
    [tensor('INPUT0', string, 'M')],
    [tensor('OUTPUT0', string, 'M')],
  );
}

function config(name: string, type: string, dims: number, inputs: number): string {
  const tensors = (side: string, prefix: string) =>
    Array.from(
      { length: inputs },
      (_, i) =>
        `${side} [\n  {\n    name: "${prefix}${i}"\n    data_type: ${type}\n    dims: [ ${dims} ]\n  }\n]\n`,
    ).join('');
  return `name: "${name}"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 8\n${tensors('input', 'INPUT')}${tensors('output', 'OUTPUT')}`;
}

/** Every file of the repository by its path. */
export function exampleModels(): ReadonlyMap<string, Uint8Array | string> {
  return new Map<string, Uint8Array | string>([
    ['simple/config.pbtxt', config('simple', 'TYPE_INT32', width, 2)],
    ['simple/1/model.onnx', simple()],
    ['simple_string/config.pbtxt', config('simple_string', 'TYPE_STRING', width, 2)],
    ['simple_string/1/model.onnx', simpleString()],
    ['simple_identity/config.pbtxt', config('simple_identity', 'TYPE_STRING', -1, 1)],
    ['simple_identity/1/model.onnx', simpleIdentity()],
  ]);
}

const usage = `node scripts/example-models.ts [directory]
Writes three small graphs of ONNX in Triton's layout; the directory is examples/models unless one is named.
Serve them with: millrace serve --repository <directory>`;

/** The directory to write to; ends the process with the usage where it was asked for, or the call was written wrong. */
function directoryAsked(): string {
  try {
    const options = { help: { type: 'boolean', short: 'h' } } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    if (positionals.length > 1) throw new Error('one directory at most');
    return positionals[0] ?? fileURLToPath(new URL('../examples/models', import.meta.url));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
}

if (import.meta.main) {
  const directory = directoryAsked();
  for (const [path, content] of exampleModels()) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  console.log(`Written to ${directory}. Next: millrace serve --repository ${directory}`);
}

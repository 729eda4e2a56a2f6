import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { installationDirectory } from '../../core/installation.ts';

/** The messages of onnx.proto as plain objects; absent members are undefined. */
interface Dimension {
  dimValue?: number;
  dimParam?: string;
}
interface TensorType {
  elemType?: number;
  shape?: { dim?: Dimension[] };
}
export interface ValueInfo {
  name?: string;
  type?: { tensorType?: TensorType; sequenceType?: Uint8Array; mapType?: Uint8Array };
}
export interface Node {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  attribute?: Uint8Array[];
  domain?: string;
}
export interface Attribute {
  name?: string;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: Uint8Array;
  g?: Uint8Array;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
  type?: number;
}
export interface Tensor {
  dims?: number[];
  dataType?: number;
  floatData?: number[];
  int64Data?: number[];
  stringData?: Uint8Array[];
  name?: string;
  rawData?: Uint8Array;
  dataLocation?: number;
}
export interface Graph {
  node?: Uint8Array[];
  name?: string;
  initializer?: Uint8Array[];
  input?: ValueInfo[];
  output?: ValueInfo[];
}
export interface Model {
  irVersion?: number;
  producerName?: string;
  graph?: Graph;
  opsetImport?: { domain?: string; version?: number }[];
}

/** What leads to tensors, in the whole of a model; see onnx.proto. */
export interface TensorPlace {
  name?: string;
  dataLocation?: number;
}
interface SparsePlaces {
  values?: TensorPlace;
  indices?: TensorPlace;
}
interface AttributeParts {
  t?: TensorPlace;
  g?: GraphParts;
  tensors?: TensorPlace[];
  graphs?: GraphParts[];
  sparseTensor?: SparsePlaces;
}
export interface GraphParts {
  node?: { name?: string; opType?: string; attribute?: AttributeParts[] }[];
  initializer?: TensorPlace[];
  sparseInitializer?: SparsePlaces[];
}
export interface ModelParts {
  graph?: GraphParts;
  functions?: { node?: NonNullable<GraphParts['node']> }[];
}

interface Messages {
  ModelParts: ModelParts;
  TensorPlace: TensorPlace;
  Model: Model;
  Graph: Graph;
  Node: Node;
  Attribute: Attribute;
  Tensor: Tensor;
}

const { root } = protobuf.parse(
  readFileSync(join(installationDirectory, 'src/platform/onnx/onnx.proto'), 'utf8'),
);

/** Decodes a message of onnx.proto. Throws what protobufjs throws when the bytes are not one. */
export function decode<N extends keyof Messages>(name: N, bytes: Uint8Array): Messages[N] {
  const type = root.lookupType(`onnx.${name}`);
  return numbers(type.decode(bytes)) as Messages[N];
}

/** The bytes of a message; members that are absent are not written. */
export function encode<N extends keyof Messages>(name: N, message: Messages[N]): Uint8Array {
  const type = root.lookupType(`onnx.${name}`);
  return type.encode(type.create(message as Record<string, unknown>)).finish();
}

/** 64-bit integers come as Long objects when the `long` package is installed: make them numbers. */
function numbers(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  if ('toNumber' in value && typeof value.toNumber === 'function') return value.toNumber();
  if (Array.isArray(value)) return value.map(numbers);
  for (const [key, member] of Object.entries(value))
    (value as Record<string, unknown>)[key] = numbers(member);
  return value;
}

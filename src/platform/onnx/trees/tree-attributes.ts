import protobuf from 'protobufjs';

/** Values of one attribute of a node; absent members are undefined. */
export interface AttributeValues {
  readonly ints?: Float64Array;
  readonly floats?: Float64Array;
  readonly strings?: readonly string[];
  /** A tensor's numbers, of type float or double. */
  readonly tensor?: Float64Array;
  readonly text?: string;
  readonly int?: number;
}

type Found = { -readonly [K in keyof AttributeValues]: AttributeValues[K] };

const float = 1;
const double = 11;
/** As long as the other lists, and without a meaning for what is answered. */
const unused = 'nodes_hitrates';

/**
 * Reads attributes of a node as AttributeProto lays them out (onnx.proto), by name. Ensembles have a dozen lists as long
 * as they have nodes: those are read without an object for each whole number. Throws what protobufjs throws when the bytes
 * are none, and a plain error for whole numbers beyond 2^53 and tensors of other types.
 */
export function readAttributes(attributes: readonly Uint8Array[]): ReadonlyMap<string, AttributeValues> {
  return new Map(attributes.map(readAttribute));
}

function readAttribute(bytes: Uint8Array): [string, AttributeValues] {
  const reader = protobuf.Reader.create(bytes);
  const found: Found = {};
  const strings: string[] = [];
  const [floats, ints] = [new Numbers(reader, 4), new Numbers(reader, 1)];
  let name = '';
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field === 1) name = reader.string();
    else if (name === unused) reader.skipType(tag & 7);
    else if (field === 3) found.int = readInteger(reader);
    else if (field === 4) found.text = reader.string();
    else if (field === 5) found.tensor = readTensor(reader.bytes());
    else if (field === 7) floats.readAll(tag, () => reader.float());
    else if (field === 8) ints.readAll(tag, () => readInteger(reader));
    else if (field === 9) strings.push(reader.string());
    else reader.skipType(tag & 7);
  }
  if (floats.count > 0) found.floats = floats.values();
  if (ints.count > 0) found.ints = ints.values();
  if (strings.length > 0) found.strings = strings;
  return [name, found];
}

/** The numbers of a TensorProto of floats or doubles. */
export function readTensor(bytes: Uint8Array): Float64Array {
  const reader = protobuf.Reader.create(bytes);
  const [floats, doubles] = [new Numbers(reader, 4), new Numbers(reader, 8)];
  let type = 0;
  let raw: Uint8Array | null = null;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    if (field === 2) type = reader.uint32();
    else if (field === 4) floats.readAll(tag, () => reader.float());
    else if (field === 9) raw = new Uint8Array(reader.bytes());
    else if (field === 10) doubles.readAll(tag, () => reader.double());
    else reader.skipType(tag & 7);
  }
  if (type !== float && type !== double) throw new Error(`a tensor of type ${type} is none of numbers`);
  if (type === float) return raw ? Float64Array.from(new Float32Array(raw.buffer)) : floats.values();
  return raw ? new Float64Array(raw.buffer) : doubles.values();
}

/** A list of numbers, packed into one field or with a field for each: both are valid. */
class Numbers {
  count = 0;
  readonly #reader: protobuf.Reader;
  readonly #bytesEach: number;
  #values = new Float64Array();

  /** @param bytesEach what a number takes at least, when packed */
  constructor(reader: protobuf.Reader, bytesEach: number) {
    this.#reader = reader;
    this.#bytesEach = bytesEach;
  }

  readAll(tag: number, read: () => number): void {
    const reader = this.#reader;
    const packed = (tag & 7) === 2;
    const end = packed ? reader.uint32() + reader.pos : reader.pos + 1;
    // As long as the list can still get: growing it would cost more than reading does.
    if (packed || this.count === 0) {
      const most = packed
        ? (end - reader.pos) / this.#bytesEach
        : (reader.len - reader.pos) / (this.#bytesEach + 1);
      const longer = new Float64Array(this.count + Math.ceil(most) + 1);
      longer.set(this.values());
      this.#values = longer;
    }
    while (reader.pos < end) this.#values[this.count++] = read();
  }

  values(): Float64Array {
    return this.#values.subarray(0, this.count);
  }
}

/** Those of up to 28 bits are read at once; longer ones, which negative ones are, as an object. */
function readInteger(reader: protobuf.Reader): number {
  const start = reader.pos;
  const value = reader.uint32();
  if (reader.pos - start < 5) return value;
  reader.pos = start;
  const long = Number(reader.int64().toString());
  if (!Number.isSafeInteger(long)) throw new Error(`${long} is beyond 2^53`);
  return long;
}

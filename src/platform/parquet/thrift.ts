/** Types of fields in Thrift's compact protocol. */
const types = { true: 1, false: 2, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

/** A value with its type, as a field or an item of a list has it. */
export type ThriftValue =
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'i32' | 'i64'; readonly value: number }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  | { readonly type: 'list'; readonly value: readonly ThriftValue[] }
  | { readonly type: 'struct'; readonly value: ThriftStruct };
/** Fields by their numbers, in rising order; a field that is undefined is left out. */
type ThriftStruct = Readonly<Record<number, ThriftValue | undefined>>;

export const boolean = (value: boolean): ThriftValue => ({ type: 'boolean', value });
export const i32 = (value: number): ThriftValue => ({ type: 'i32', value });
export const i64 = (value: number): ThriftValue => ({ type: 'i64', value });
export const binary = (value: Uint8Array): ThriftValue => ({ type: 'binary', value });
export const text = (value: string): ThriftValue => binary(Buffer.from(value));
export const list = (value: readonly ThriftValue[]): ThriftValue => ({ type: 'list', value });
export const struct = (value: ThriftStruct): ThriftValue => ({ type: 'struct', value });

/**
 * A struct in Thrift's compact protocol, which Parquet's headers are written in.
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export function compactBytes(fields: ThriftStruct): Buffer {
  const parts: Uint8Array[] = [];
  writeStruct(parts, fields);
  return Buffer.concat(parts);
}

function writeStruct(parts: Uint8Array[], fields: ThriftStruct): void {
  let last = 0;
  // Keys that are whole numbers come in rising order.
  for (const [key, field] of Object.entries(fields)) {
    if (field === undefined) continue;
    const id = Number(key);
    const type = field.type === 'boolean' ? (field.value ? types.true : types.false) : types[field.type];
    // Every struct of Parquet has its fields less than 16 apart.
    parts.push(Uint8Array.of(((id - last) << 4) | type));
    last = id;
    if (field.type !== 'boolean') writeValue(parts, field);
  }
  parts.push(Uint8Array.of(0));
}

function writeValue(parts: Uint8Array[], value: ThriftValue): void {
  switch (value.type) {
    case 'boolean':
      parts.push(Uint8Array.of(value.value ? types.true : types.false));
      return;
    case 'i32':
    case 'i64':
      parts.push(zigzag(value.value));
      return;
    case 'binary':
      parts.push(varint(value.value.length), value.value);
      return;
    case 'struct':
      writeStruct(parts, value.value);
      return;
    case 'list': {
      const { length } = value.value;
      const first = value.value[0]?.type ?? 'struct';
      const type = first === 'boolean' ? types.true : types[first];
      parts.push(Uint8Array.of((Math.min(length, 15) << 4) | type));
      if (length >= 15) parts.push(varint(length));
      for (const item of value.value) writeValue(parts, item);
    }
  }
}

/** An unsigned whole number, seven bits a byte, the lowest first. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  bytes.push(left);
  return Uint8Array.from(bytes);
}

const zigzag = (value: number): Uint8Array => varint(value < 0 ? -2 * value - 1 : 2 * value);

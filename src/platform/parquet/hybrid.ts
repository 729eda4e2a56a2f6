import { varint } from './thrift.ts';

/**
 * Whole numbers in Parquet's hybrid of runs and packed bits: one run where all are equal, else all packed.
 * Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (RLE = 3)
 *
 * @param bits of the largest of them, 1 to 24
 */
export function hybridBytes(values: ArrayLike<number>, count: number, bits: number): Uint8Array {
  const first = values[0] ?? 0;
  let equal = 1;
  while (equal < count && values[equal] === first) equal++;
  return equal >= count ? run(first, count, bits) : packed(values, count, bits);
}

function run(value: number, count: number, bits: number): Uint8Array {
  const length = varint(2 * count);
  const width = Math.ceil(bits / 8);
  const bytes = new Uint8Array(length.length + width);
  bytes.set(length);
  for (let i = 0; i < width; i++) bytes[length.length + i] = (value >>> (8 * i)) & 0xff;
  return bytes;
}

function packed(values: ArrayLike<number>, count: number, bits: number): Uint8Array {
  const groups = Math.ceil(count / 8);
  const header = varint(2 * groups + 1);
  const bytes = new Uint8Array(header.length + groups * bits);
  bytes.set(header);
  let at = header.length;
  let held = 0;
  let heldBits = 0;
  for (let i = 0; i < count; i++) {
    held |= (values[i] as number) << heldBits;
    heldBits += bits;
    for (; heldBits >= 8; heldBits -= 8) {
      bytes[at++] = held & 0xff;
      held >>>= 8;
    }
  }
  if (heldBits > 0) bytes[at] = held & 0xff;
  return bytes;
}

/** Bits that the numbers below `count` take; at least 1. */
export function bitsFor(count: number): number {
  return Math.max(1, 32 - Math.clz32(count - 1));
}

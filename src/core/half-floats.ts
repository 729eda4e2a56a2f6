/**
 * Floating-point numbers of 16 bits, little-endian, as the protocols carry FP16 and BF16. Reading widens to single
 * precision, which is exact; writing rounds to nearest, ties to even, beyond the range to infinity.
 */
export const halfTypes = ['FP16', 'BF16'] as const;
export type HalfType = (typeof halfTypes)[number];

/** Finite numbers of this size and beyond become infinite when they are rounded to the datatype (nearest, ties to even). */
export const overflowAt = { FP16: 65_520, BF16: 2 ** 128 - 2 ** 119, FP32: 2 ** 128 - 2 ** 103 } as const;

/** @param bytes two for each number */
export function readHalves(type: HalfType, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const words = new Uint8Array(bytes).buffer;
  if (type === 'FP16') return new Float32Array(new Float16Array(words));
  // A bfloat16 is the upper half of a single-precision number.
  return new Float32Array(Uint32Array.from(new Uint16Array(words), (word) => word << 16).buffer);
}

export function writeHalves(type: HalfType, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  return new Uint8Array((type === 'FP16' ? Float16Array.from(values) : bfloats(values)).buffer);
}

/** The same values as the type holds them, in single precision. */
export function asHalves(type: HalfType, values: ArrayLike<number>): Float32Array<ArrayBuffer> {
  return readHalves(type, writeHalves(type, values));
}

function bfloats(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const single = Float32Array.from(values);
  const bits = new Uint32Array(single.buffer);
  const halves = new Uint16Array(single.length);
  const quietNaN = 0x7fc0;
  for (let i = 0; i < halves.length; i++) {
    const word = bits[i] as number;
    const tieToEven = 0x7fff + ((word >>> 16) & 1);
    halves[i] = Number.isNaN(single[i]) ? quietNaN : (word + tieToEven) >>> 16;
  }
  return halves;
}

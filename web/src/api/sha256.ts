import type { Digest } from '../../../src/core/json.ts';

/**
 * SHA-256 of a file that is read piece by piece. The browser's own needs the whole file in memory, and is there only
 * on safe origins, which a server on a plain LAN address is not.
 *
 * Source: FIPS 180-4.
 */

const PIECE_BYTES = 4 * 1024 * 1024;
const BLOCK_BYTES = 64;

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K = Int32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
/** The same of the square roots of the first 8. */
const INITIAL = Uint32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));

function primes(count: number): readonly number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

function fraction(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32);
}

const rotated = (x: number, by: number): number => (x >>> by) | (x << (32 - by));

/** Takes one block into the state. Plain assignments alone: the loops run for every byte of a file. */
function mix(state: Uint32Array, view: DataView, offset: number, w: Int32Array): void {
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(offset + i * 4);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15] as number;
    const y = w[i - 2] as number;
    const s0 = rotated(x, 7) ^ rotated(x, 18) ^ (x >>> 3);
    const s1 = rotated(y, 17) ^ rotated(y, 19) ^ (y >>> 10);
    w[i] = ((w[i - 16] as number) + s0 + (w[i - 7] as number) + s1) | 0;
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (K[i] as number) + (w[i] as number)) | 0;
    const s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
  state[5] = (state[5] as number) + f;
  state[6] = (state[6] as number) + g;
  state[7] = (state[7] as number) + h;
}

/**
 * The digest of a file as the blob store names it: `sha256:` and 64 hexadecimal digits.
 *
 * @param tell told how much of it has been read, 0..1
 */
export async function digestOf(file: Blob, tell: (share: number) => void = () => {}): Promise<Digest> {
  const state = INITIAL.slice();
  const words = new Int32Array(64);
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    const piece = new DataView(await file.slice(at, at + PIECE_BYTES).arrayBuffer());
    const whole = piece.byteLength - (piece.byteLength % BLOCK_BYTES);
    for (let offset = 0; offset < whole; offset += BLOCK_BYTES) mix(state, piece, offset, words);
    tell(Math.min(1, (at + PIECE_BYTES) / file.size));
  }
  const rest = new Uint8Array(await file.slice(file.size - (file.size % BLOCK_BYTES)).arrayBuffer());
  const padded = new Uint8Array(rest.length < 56 ? BLOCK_BYTES : 2 * BLOCK_BYTES);
  padded.set(rest);
  padded[rest.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(file.size) * 8n);
  for (let offset = 0; offset < padded.length; offset += BLOCK_BYTES) mix(state, view, offset, words);
  return `sha256:${Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('')}`;
}

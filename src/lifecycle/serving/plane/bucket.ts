import { bucketCount } from '../contract.ts';

const c1 = 0xcc9e2d51;
const c2 = 0x1b873593;

function mixBlock(block: number): number {
  const k = Math.imul(block, c1);
  return Math.imul((k << 15) | (k >>> 17), c2);
}

/**
 * MurmurHash3_x86_32 (Austin Appleby, 2011, public domain) of the UTF-8 bytes of a text; unsigned 32 bits.
 */
export function murmur3(text: string, seed = 0): number {
  const bytes = Buffer.from(text);
  const whole = bytes.length & ~3;
  let hash = seed | 0;
  for (let i = 0; i < whole; i += 4) {
    hash ^= mixBlock(bytes.readInt32LE(i));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | (bytes[i] ?? 0);
  hash ^= mixBlock(tail) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * The bucket, 0..9999, of an entity under a rollout's salt. The same entity always falls into the same bucket
 * of one salt, and into an unrelated one under another salt.
 */
export function bucketOf(salt: string, entity: string): number {
  return murmur3(`${salt}:${entity}`) % bucketCount;
}

/** How many buckets a share of the traffic is; the challenger has buckets [0, bucketsOf(weight)). */
export function bucketsOf(weight: number): number {
  return Math.round(weight * bucketCount);
}

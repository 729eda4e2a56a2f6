import { createHash } from 'node:crypto';
import { type Frames, sqlLiteral } from '../../../platform/frames/index.ts';

/** 16 bits a key and 8 hashes: about 6 of 10,000 files are opened in vain. */
const bitsPerKey = 16;
const hashes = 8;

/**
 * A Bloom filter of the ids and entities in a segment, as bytes: it says "surely not here" of nearly every file
 * that does not hold one (Bloom 1970; double hashing: Kirsch and Mitzenmacher 2006, here of MD5's first 64 bits).
 */
export function buildFilter(hashPairs: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = new Uint8Array(Math.max(8, Math.ceil((hashPairs.length * bitsPerKey) / 8)));
  for (const [a, b] of hashPairs) {
    for (const bit of bitsOf(a, b, bytes.length * 8))
      bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) | (1 << (bit & 7));
  }
  return bytes;
}

/** Whether a segment may hold a key, as `keyOf` makes it. Never false for one that it holds. */
export function mayHold(filter: Uint8Array, key: string): boolean {
  const digest = createHash('md5').update(key).digest();
  const bits = bitsOf(digest.readUInt32LE(0), digest.readUInt32LE(4), filter.length * 8);
  return bits.every((bit) => ((filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0);
}

/** Ids and entities share a filter, so each has a letter of its own in front. */
export const keyOf = {
  predictionId: (id: string): string => `p${id}`,
  entity: (entity: string): string => `e${entity}`,
};

/** The filter of a Parquet file with prediction_id and perhaps entity. Hashing is done where the data is. */
export async function filterOfFile(frames: Frames, path: string): Promise<Uint8Array> {
  const file = `read_parquet(${sqlLiteral(path)})`;
  const described = await frames.query(`DESCRIBE SELECT * FROM ${file}`);
  const hasEntity = described.some((row) => row.column_name === 'entity');
  const entities = hasEntity ? `UNION SELECT 'e' || entity FROM ${file} WHERE entity IS NOT NULL` : '';
  const { columns } = await frames.columns(
    `SELECT (h & 4294967295)::UINTEGER, (h >> 32)::UINTEGER FROM
       (SELECT md5_number_upper(k) AS h FROM (SELECT 'p' || prediction_id AS k FROM ${file} ${entities}))`,
  );
  const [low, high] = columns as readonly (readonly number[])[];
  return buildFilter((low ?? []).map((a, i) => [a, high?.[i] ?? 0] as const));
}

function bitsOf(a: number, b: number, size: number): readonly number[] {
  // An even step could miss half of the bits.
  const step = (b | 1) >>> 0;
  return Array.from({ length: hashes }, (_, i) => (a + i * step) % size);
}

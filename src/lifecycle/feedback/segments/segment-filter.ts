import { createHash } from 'node:crypto';
import { type Frames, sqlLiteral } from '../../../platform/frames/index.ts';

/** 16 bits a key and 8 hashes: about 6 of 10,000 files are opened in vain. */
const bitsPerKey = 16;
const hashes = 8;

/**
 * A Bloom filter of the ids and entities in a segment, as bytes: it says "surely not here" of nearly every file
 * that does not hold one (Bloom 1970; double hashing: Kirsch and Mitzenmacher 2006, here of MD5's first 64 bits).
 *
 * @param low the lower halves of the keys' hashes
 * @param high the upper halves, in the same order
 */
export function buildFilter(low: ArrayLike<number>, high: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(Math.max(8, Math.ceil((low.length * bitsPerKey) / 8)));
  const size = bytes.length * 8;
  for (let i = 0; i < low.length; i++) {
    const first = low[i] ?? 0;
    const step = stepOf(high[i] ?? 0);
    for (let n = 0; n < hashes; n++) {
      const bit = (first + n * step) % size;
      bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) | (1 << (bit & 7));
    }
  }
  return bytes;
}

/** A key as filters know it. */
type HashedKey = readonly [low: number, high: number];

/** @param key as `keyOf` makes it */
export function hashKey(key: string): HashedKey {
  const digest = createHash('md5').update(key).digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/** Whether a segment may hold a key. Never false for one that it holds. */
export function mayHold(filter: Uint8Array, [low, high]: HashedKey): boolean {
  const size = filter.length * 8;
  const step = stepOf(high);
  for (let n = 0; n < hashes; n++) {
    const bit = (low + n * step) % size;
    if (((filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  }
  return true;
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
  return buildFilter(low ?? [], high ?? []);
}

/** An even step could miss half of the bits. */
function stepOf(high: number): number {
  return (high | 1) >>> 0;
}

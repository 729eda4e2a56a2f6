import { randomFillSync } from 'node:crypto';

/** Random bytes are fetched for many ids at once: asking for sixteen costs as much as asking for thousands. */
const pool = new Uint8Array(16 * 256);
let used = pool.length;
/** The millisecond of the newest id, and how many this process made in it. */
let newestMs = 0;
let madeInIt = 0;
const countedPerMs = 4096;

/**
 * A new UUID version 7 (RFC 9562 section 5.7) as 36 lower-case characters.
 *
 * The first 48 bits are the Unix time in milliseconds; the next 12 count the ids of that millisecond (method 1 of
 * section 6.2), so the ids of one process sort as they were made (4096 a millisecond; later ones of it in any order)
 * and cluster well in a B-tree; the other 62 bits are random.
 */
export function uuidv7(nowMs: number = Date.now()): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const buffer = pool.subarray(used, used + 16);
  used += 16;
  buffer[0] = (nowMs / 2 ** 40) & 0xff;
  buffer[1] = (nowMs / 2 ** 32) & 0xff;
  buffer[2] = (nowMs / 2 ** 24) & 0xff;
  buffer[3] = (nowMs / 2 ** 16) & 0xff;
  buffer[4] = (nowMs / 2 ** 8) & 0xff;
  buffer[5] = nowMs & 0xff;
  madeInIt = nowMs === newestMs ? madeInIt + 1 : 0;
  newestMs = nowMs;
  const counter = Math.min(madeInIt, countedPerMs - 1);
  buffer[6] = 0x70 | (counter >> 8);
  buffer[7] = counter & 0xff;
  buffer[8] = 0x80 | ((buffer[8] ?? 0) & 0x3f);
  const hex = Buffer.from(buffer).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

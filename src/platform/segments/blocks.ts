import { crc32 } from 'node:zlib';
import { blockHead, headCheck } from './row-bytes.ts';

/** Rows of a segment in the bytes [from, to), or bytes that are no longer what was written. */
export interface Block {
  readonly from: number;
  readonly to: number;
  /** Null where it is not known how many are lost. */
  readonly rows: number | null;
  readonly isWhole: boolean;
}

/**
 * The blocks in the bytes from `start` on, in order. Where bytes have changed, or are missing at the end, a block that is
 * not whole stands for them, up to the next one that can be found.
 */
export function* blocksIn(bytes: Buffer, start: number): Generator<Block, void> {
  for (let at = start; at < bytes.length; ) {
    const block = isMarked(bytes, at) ? blockAt(bytes, at) : null;
    if (block) {
      yield block;
      at = block.to;
      continue;
    }
    const next = bytes.indexOf(blockHead.mark, at + 1);
    const to = next < 0 ? bytes.length : next;
    yield { from: at, to, rows: null, isWhole: false };
    at = to;
  }
}

/** The block that begins there; null where its head is not what was written, or the end is missing. */
function blockAt(bytes: Buffer, at: number): Block | null {
  const length = bytes.readUInt32LE(at + blockHead.length);
  const rows = bytes.readUInt32LE(at + blockHead.rows);
  if (bytes.readUInt32LE(at + blockHead.headCheck) !== headCheck(length, rows)) return null;
  const from = at + blockHead.bytes;
  const to = from + length;
  if (to > bytes.length) return null;
  const isWhole = crc32(bytes.subarray(from, to), rows) === bytes.readUInt32LE(at + blockHead.check);
  return { from, to, rows, isWhole };
}

function isMarked(bytes: Buffer, at: number): boolean {
  const { mark } = blockHead;
  return at + blockHead.bytes <= bytes.length && mark.equals(bytes.subarray(at, at + mark.length));
}

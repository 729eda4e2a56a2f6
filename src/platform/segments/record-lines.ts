import { closeSync, openSync, readSync } from 'node:fs';
import { blocksIn } from './blocks.ts';
import { rowLines } from './read-rows.ts';
import { parseHeader } from './segment-file.ts';

export interface LinesJob {
  /** An open segment of records. */
  readonly path: string;
  /** Where to begin: 0, or what an earlier call gave as `to`. */
  readonly from: number;
  /** How much of it is written. */
  readonly end: number;
  readonly mostBytes: number;
}

export interface RecordLines {
  /** The segment's header, then rows, as lines of JSON. */
  readonly lines: string;
  readonly to: number;
}

/**
 * Reads rows of a segment that is being written, in small steps. Throws where the header is not whole, and where a block
 * is longer than `mostBytes`.
 */
export function* recordLines({ path, from, end, mostBytes }: LinesJob): Generator<void, RecordLines> {
  const head = bytesOf(path, 0, Math.min(mostBytes, end));
  const headEnd = head.indexOf(0x0a) + 1;
  const line = head.toString('utf8', 0, headEnd);
  const header = parseHeader(line);
  if (header === 'damaged') throw new Error('the header is not whole');
  const start = Math.max(from, headEnd);
  const bytes = bytesOf(path, start, Math.min(mostBytes, end - start));
  let lines = line;
  let used = 0;
  for (const block of blocksIn(bytes, 0)) {
    if (!block.isWhole) break;
    for (const row of rowLines(bytes, block.from, block.to, header.columns)) {
      lines += row;
      yield;
    }
    used = block.to;
  }
  if (used === 0) throw new Error('no whole block');
  return { lines, to: start + used };
}

function bytesOf(path: string, from: number, size: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, readSync(file, bytes, 0, size, from));
  } finally {
    closeSync(file);
  }
}

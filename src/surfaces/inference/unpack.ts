import type { Transform } from 'node:stream';
import { ByteParts } from './byte-parts.ts';

/** Thrown for bytes that are not packed as the unpacker has it, or are cut off. */
export class NotPacked extends Error {}

/**
 * Unpacks bytes on another thread. Throws `NotPacked`.
 *
 * @param unpacker a decompressing stream of node:zlib, fresh
 * @param onSize told after each piece how many bytes have come out; what it throws ends the unpacking
 */
export async function unpack(
  unpacker: Transform,
  packed: Buffer,
  onSize: (sizeBytes: number) => void,
): Promise<Buffer> {
  const parts = new ByteParts();
  unpacker.end(packed);
  let told: unknown = null;
  try {
    for await (const part of unpacker as AsyncIterable<Buffer>) {
      parts.add(part);
      try {
        onSize(parts.sizeBytes);
      } catch (error) {
        told = error;
        throw error;
      }
    }
  } catch (cause) {
    throw told ?? new NotPacked((cause as Error).message, { cause });
  }
  return parts.joined();
}

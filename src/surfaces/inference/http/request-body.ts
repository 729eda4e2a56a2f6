import type { IncomingMessage } from 'node:http';
import { fail } from '../../../core/errors.ts';
import type { BodyShare } from '../body-room.ts';
import { ByteParts } from '../byte-parts.ts';

/** What a body may come to, and what holds its bytes. */
interface BodyBounds {
  readonly limitBytes: number;
  readonly bodyShare: BodyShare;
}

/** What becomes of a body: exactly one of both is called, or none where the connection ends before. */
interface BodyEnds {
  readonly whole: (body: Buffer) => void;
  /** Told `bodies_full` or `payload_too_large`; the rest of the body is let go by. */
  readonly refused: (error: unknown) => void;
}

/**
 * Reads a request's body. Its declared length is held at once, so that a body that has no room is refused before it is
 * read; one that comes in chunks is held as it comes.
 *
 * @param begin called when there is room for what was declared, before anything is read
 */
export function readBody(
  request: IncomingMessage,
  { limitBytes, bodyShare }: BodyBounds,
  begin: () => void,
  ends: BodyEnds,
): void {
  const parts = new ByteParts();
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  let refused = false;
  const within = (step: () => void) => {
    try {
      step();
    } catch (error) {
      refused = true;
      parts.clear();
      ends.refused(error);
    }
  };
  within(() => bodyShare.hold(declaredBytes));
  if (refused) return;
  begin();
  request.on('data', (part: Buffer) => {
    if (refused) return;
    within(() => {
      const sizeBytes = parts.sizeBytes + part.length;
      if (sizeBytes > limitBytes) throw fail('payload_too_large', { limitBytes });
      if (sizeBytes > declaredBytes) bodyShare.hold(sizeBytes);
      parts.add(part);
    });
  });
  request.on('end', () => {
    if (!refused) ends.whole(parts.joined());
  });
}

import { fail } from '../../core/errors.ts';

/** Bodies up to this size are not counted: what they need is bounded by the number of connections. */
export const uncountedBytes = 256 * 1024;
const megabyte = 1024 * 1024;

/**
 * Bounds the bytes of all bodies under way in a process together, over HTTP and gRPC: from their arrival until they
 * are answered, unpacked ones by their unpacked size. The limit for one body says nothing of fifty at once.
 */
export class BodyRoom {
  readonly #limitBytes: number;
  readonly #setting: string;
  #usedBytes = 0;

  /** @param setting how the user names another limit, for the message */
  constructor(limitBytes: number, setting: string) {
    this.#limitBytes = limitBytes;
    this.#setting = setting;
  }

  /** What counted bodies take now. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  share(): BodyShare {
    return new BodyShare(this);
  }

  /**
   * Makes a share larger or smaller. A body that is alone always has room, whatever the limit, so that each that the
   * limit for one body lets in is answered at some time. Throws `bodies_full`.
   */
  resize(fromBytes: number, toBytes: number): void {
    const others = this.#usedBytes - fromBytes;
    if (toBytes > fromBytes && others > 0 && others + toBytes > this.#limitBytes) {
      throw fail('bodies_full', {
        needed: inMegabytes(toBytes),
        used: inMegabytes(others),
        limit: inMegabytes(this.#limitBytes),
        setting: this.#setting,
      });
    }
    this.#usedBytes = others + toBytes;
  }
}

/** What one request takes of the room for bodies. */
export class BodyShare {
  readonly #room: BodyRoom;
  #heldBytes = 0;

  constructor(room: BodyRoom) {
    this.#room = room;
  }

  /** Holds so many bytes from now on, no matter how many it held. Throws `bodies_full`; the share is as before then. */
  hold(bytes: number): void {
    const counted = bytes > uncountedBytes ? bytes : 0;
    if (counted === this.#heldBytes) return;
    this.#room.resize(this.#heldBytes, counted);
    this.#heldBytes = counted;
  }

  /** Gives all of it back. */
  leave(): void {
    this.hold(0);
  }
}

function inMegabytes(bytes: number): string {
  return `${(bytes / megabyte).toFixed(1)} MB`;
}

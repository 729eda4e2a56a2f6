import type { Socket } from 'node:net';
import {
  type ErrorCode,
  flag,
  frame,
  frameHeadBytes,
  frameType,
  plainFrameBytes,
  settingsPayload,
  words,
  writeFrameHead,
} from './frames.ts';

/** Bodies up to this length are copied behind the head of their frame; longer ones are sent from where they are. */
const longestCopied = 4096;
/** What is written in one turn goes to the socket in one piece up to this length. */
const longestJoined = 65_536;

/** Writes frames to a socket; those of one turn of the event loop together. */
export class FrameWriter {
  readonly #socket: Socket;
  #frames: Buffer[] = [];
  #sizeBytes = 0;
  #frameBytes = plainFrameBytes;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** False while the peer is slow to take what was sent. */
  get hasRoom(): boolean {
    return !this.#socket.writableNeedDrain;
  }

  /** How long a payload the peer takes. */
  set frameBytes(value: number) {
    this.#frameBytes = value;
  }

  settings(values: readonly (readonly [id: number, value: number])[]): void {
    this.#add(frame(frameType.settings, 0, 0, settingsPayload(values)));
  }

  settingsAck(): void {
    this.#add(frame(frameType.settings, flag.ack, 0, noBytes));
  }

  ping(payload: Uint8Array, isAck: boolean): void {
    this.#add(frame(frameType.ping, isAck ? flag.ack : 0, 0, payload));
  }

  goaway(lastStreamId: number, code: ErrorCode, why: string): void {
    const payload = Buffer.concat([words(lastStreamId, code), Buffer.from(why, 'latin1')]);
    this.#add(frame(frameType.goaway, 0, 0, payload));
  }

  reset(streamId: number, code: ErrorCode): void {
    this.#add(frame(frameType.rstStream, 0, streamId, words(code)));
  }

  windowUpdate(streamId: number, bytes: number): void {
    this.#add(frame(frameType.windowUpdate, 0, streamId, words(bytes)));
  }

  headers(streamId: number, block: Buffer, isLast: boolean): void {
    const end = isLast ? flag.endStream : 0;
    if (block.length <= plainFrameBytes) {
      this.#add(frame(frameType.headers, flag.endHeaders | end, streamId, block));
      return;
    }
    this.#add(frame(frameType.headers, end, streamId, block.subarray(0, plainFrameBytes)));
    for (let at = plainFrameBytes; at < block.length; at += plainFrameBytes) {
      const next = at + plainFrameBytes;
      const flags = next >= block.length ? flag.endHeaders : 0;
      this.#add(frame(frameType.continuation, flags, streamId, block.subarray(at, next)));
    }
  }

  data(streamId: number, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += this.#frameBytes) {
      const part = bytes.subarray(at, at + this.#frameBytes);
      if (part.length <= longestCopied) {
        this.#add(frame(frameType.data, 0, streamId, part));
        continue;
      }
      const head = Buffer.allocUnsafe(frameHeadBytes);
      writeFrameHead(head, 0, part.length, frameType.data, 0, streamId);
      this.#add(head);
      this.#add(part);
    }
  }

  /** Sends what was written so far. */
  flush(): void {
    const frames = this.#frames;
    const sizeBytes = this.#sizeBytes;
    if (frames.length === 0) return;
    this.#frames = [];
    this.#sizeBytes = 0;
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return;
    if (sizeBytes <= longestJoined) {
      socket.write(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames, sizeBytes));
      return;
    }
    socket.cork();
    for (const bytes of frames) socket.write(bytes);
    socket.uncork();
  }

  #add(bytes: Buffer): void {
    if (this.#frames.length === 0) process.nextTick(this.#flushLater);
    this.#frames.push(bytes);
    this.#sizeBytes += bytes.length;
  }

  readonly #flushLater = (): void => this.flush();
}

const noBytes = Buffer.alloc(0);

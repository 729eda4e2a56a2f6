import { type ErrorCode, errorCode, Http2Error, largestWindow } from './frames.ts';
import type { RequestHeaders } from './request-headers.ts';

/** What a stream needs of its connection. */
export interface StreamCarrier {
  /** Bytes of bodies that may be sent now over all streams. */
  readonly sendWindow: number;
  /** False while the peer is slow to take what was sent. */
  readonly hasRoom: boolean;
  sendHeaders(streamId: number, block: Buffer, isLast: boolean): void;
  /** Takes it off the connection's window. */
  sendData(streamId: number, bytes: Buffer): void;
  sendReset(streamId: number, code: ErrorCode): void;
  sendCredit(streamId: number, bytes: number): void;
  /** May so many more bytes wait here for a reader? Where nothing waits, always. */
  hasKeepingRoom(bytes: number): boolean;
  /** Counts bytes that wait here for a reader. */
  keep(bytes: number): void;
  /** Calls `flush` when there may be room again. */
  waitForRoom(stream: Http2Stream): void;
  closed(stream: Http2Stream): void;
}

/** Who reads a stream. */
interface StreamReader {
  /** The next bytes of the request's body. */
  readonly onData: (bytes: Buffer) => void;
  /** The request is whole. */
  readonly onEnd: () => void;
  /** Asked from time to time, until the request is whole, to end it where what is missing comes too late. */
  readonly onLook: (nowMs: number) => void;
  /** Nothing comes or goes any more, whatever the reason; called once. */
  readonly onClose: () => void;
}

/** Bytes of a request's body that may be on their way. */
export const windowBytes = 4 * 1024 * 1024;
/** A stream has room while it keeps less than this. */
const roomBytes = 64 * 1024;

/** A request and its answer on a connection of HTTP/2. */
export class Http2Stream {
  readonly id: number;
  readonly headers: RequestHeaders;
  reader: StreamReader | null = null;
  readonly #carrier: StreamCarrier;
  /** `content-length` less what came; null where it is not told. */
  #expected: number | null;
  #receiveWindow = windowBytes;
  #consumed = 0;
  #held: Buffer[] = [];
  #paused = false;
  #receivedEnd = false;
  #deliveredEnd = false;
  #sendWindow: number;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #trailers: Buffer | null = null;
  #begun = false;
  #sentEnd = false;
  #closed = false;
  #onRoom: (() => void)[] = [];

  constructor(id: number, headers: RequestHeaders, carrier: StreamCarrier, sendWindow: number) {
    this.id = id;
    this.headers = headers;
    this.#carrier = carrier;
    this.#sendWindow = sendWindow;
    this.#expected = expectedBytes(headers['content-length'], id);
  }

  /** Whether the answer's headers are sent. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Whether the request came to its end, perhaps to wait here for its reader. */
  get receivedEnd(): boolean {
    return this.#receivedEnd;
  }

  /** Can so many bytes be written: sent now, or kept until the peer has room? */
  canWrite(bytes: number): boolean {
    return this.#closed || this.#fits(bytes) || this.#carrier.hasKeepingRoom(bytes);
  }

  /** Sends the answer's headers; with `end` nothing else. */
  respond(block: Buffer, end = false): void {
    if (this.#closed || this.#begun) return;
    this.#begun = true;
    this.#carrier.sendHeaders(this.id, block, end);
    if (end) this.#ended();
  }

  /**
   * Sends bytes of the body, now or when the peer has room. False when it is better to wait for `room`. Whether they
   * may be kept is asked of `canWrite`.
   */
  write(bytes: Buffer): boolean {
    if (this.#closed) return true;
    if (this.#fits(bytes.length)) this.#send(bytes);
    else {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
      this.#carrier.keep(bytes.length);
      this.flush();
    }
    return this.#queuedBytes < roomBytes && this.#carrier.hasRoom;
  }

  /** Resolves when there is room for more, or nobody to read it. */
  room(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#carrier.waitForRoom(this);
    return new Promise((resolve) => this.#onRoom.push(resolve));
  }

  /** Ends the answer behind what was written. */
  end(trailers: Buffer): void {
    if (this.#closed || this.#trailers) return;
    this.#trailers = trailers;
    this.flush();
  }

  /** Ends the stream at once, in both directions. */
  reset(code: ErrorCode): void {
    if (this.#closed) return;
    this.#carrier.sendReset(this.id, code);
    this.close();
  }

  /** Has bytes wait here, and after a while at the caller. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (let bytes = this.#held.shift(); bytes; bytes = this.#held.shift()) {
      this.#carrier.keep(-bytes.length);
      this.#deliver(bytes);
      if (this.#paused) return;
    }
    if (this.#receivedEnd) this.#deliverEnd();
  }

  /**
   * Takes bytes off the wire.
   *
   * @param wireBytes what they count for the windows, padding with them
   */
  receive(bytes: Buffer, wireBytes: number, isLast: boolean): void {
    if (this.#receivedEnd) throw new Http2Error(errorCode.streamClosed, 'bytes behind the end', this.id);
    this.#receiveWindow -= wireBytes;
    if (this.#receiveWindow < 0) {
      throw new Http2Error(errorCode.flowControl, 'more bytes than the window has room for', this.id);
    }
    this.#count(bytes.length, isLast);
    this.#receivedEnd = isLast;
    if (wireBytes > bytes.length) this.#credit(wireBytes - bytes.length);
    if (bytes.length > 0) {
      if (this.#paused) {
        if (!this.#carrier.hasKeepingRoom(bytes.length)) {
          this.reset(errorCode.enhanceYourCalm);
          return;
        }
        this.#held.push(bytes);
        this.#carrier.keep(bytes.length);
      } else this.#deliver(bytes);
    }
    if (isLast && !this.#paused) this.#deliverEnd();
  }

  /** The request ended with its headers, or with trailers. */
  receiveEnd(): void {
    this.receive(nothing, 0, true);
  }

  /** The peer has room for more, or (negative, by its settings) for less; false when that is more than it may have. */
  addWindow(bytes: number): boolean {
    this.#sendWindow += bytes;
    return this.#sendWindow <= largestWindow;
  }

  /** Sends what waits, as far as there is room. */
  flush(): void {
    while (this.#queuedBytes > 0) {
      const [first = nothing] = this.#queue;
      const room = this.#window();
      if (room <= 0) {
        this.#carrier.waitForRoom(this);
        return;
      }
      const part = first.length <= room ? first : first.subarray(0, room);
      if (part === first) this.#queue.shift();
      else this.#queue[0] = first.subarray(room);
      this.#queuedBytes -= part.length;
      this.#carrier.keep(-part.length);
      this.#send(part);
    }
    if (this.#trailers && !this.#sentEnd) {
      this.#carrier.sendHeaders(this.id, this.#trailers, true);
      this.#ended();
    } else if (this.#onRoom.length > 0) {
      if (this.#carrier.hasRoom) for (const resolve of this.#onRoom.splice(0)) resolve();
      else this.#carrier.waitForRoom(this);
    }
  }

  /** Nothing comes or goes any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const kept = this.#queuedBytes + this.#held.reduce((sum, { length }) => sum + length, 0);
    this.#queue = [];
    this.#held = [];
    this.#queuedBytes = 0;
    this.#carrier.keep(-kept);
    this.#carrier.closed(this);
    for (const resolve of this.#onRoom.splice(0)) resolve();
    this.reader?.onClose();
  }

  #fits(bytes: number): boolean {
    return this.#queuedBytes === 0 && bytes <= this.#window();
  }

  #window(): number {
    return Math.min(this.#sendWindow, this.#carrier.sendWindow);
  }

  #send(bytes: Buffer): void {
    this.#sendWindow -= bytes.length;
    this.#carrier.sendData(this.id, bytes);
  }

  #deliver(bytes: Buffer): void {
    this.reader?.onData(bytes);
    this.#credit(bytes.length);
  }

  #deliverEnd(): void {
    if (this.#deliveredEnd || this.#closed) return;
    this.#deliveredEnd = true;
    this.reader?.onEnd();
  }

  /** Gives room back for what was read, in large pieces. */
  #credit(bytes: number): void {
    if (this.#receivedEnd || this.#closed) return;
    this.#consumed += bytes;
    if (this.#consumed < windowBytes / 2) return;
    this.#carrier.sendCredit(this.id, this.#consumed);
    this.#receiveWindow += this.#consumed;
    this.#consumed = 0;
  }

  #count(bytes: number, isLast: boolean): void {
    if (this.#expected === null) return;
    this.#expected -= bytes;
    if (this.#expected < 0 || (isLast && this.#expected > 0)) {
      throw new Http2Error(errorCode.protocol, 'the body is not as long as content-length says', this.id);
    }
  }

  /** A caller that still sends when everything is answered is told to stop. */
  #ended(): void {
    this.#sentEnd = true;
    if (this.#receivedEnd) this.close();
    else this.reset(errorCode.none);
  }
}

const nothing = Buffer.alloc(0);

function expectedBytes(value: string | undefined, streamId: number): number | null {
  if (value === undefined) return null;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new Http2Error(errorCode.protocol, `content-length is "${value.slice(0, 40)}"`, streamId);
}

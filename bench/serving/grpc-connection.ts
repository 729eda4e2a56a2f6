import { connect, type Socket } from 'node:net';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const frameTypes = { data: 0, headers: 1, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
const HEADER_BYTES = 9;
const WINDOW = 0x7fff_ffff;
const WINDOW_LOW = 0x3fff_ffff;

/** What became of a call: an answer with a message, one without (an error), or a broken connection. */
export type CallResult = 'ok' | 'error' | 'broken';

/**
 * A gRPC client that does only what a load generator needs: unary calls of one method, each message written in one
 * piece, headers from the compression table after the first call. It costs a tenth of `node:http2`, so that the
 * server is what is measured.
 */
export class GrpcConnection {
  readonly #socket: Socket;
  readonly #headers: readonly [string, string][];
  readonly #waiting = new Map<number, { hasMessage: boolean; resolve: (result: CallResult) => void }>();
  #rest: Buffer = Buffer.alloc(0);
  #nextStream = 1;
  #windowUsed = 0;
  closed = false;

  static async open(host: string, port: number, path: string): Promise<GrpcConnection> {
    const socket = connect({ host, port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    return new GrpcConnection(socket, `${host}:${port}`, path);
  }

  private constructor(socket: Socket, authority: string, path: string) {
    this.#socket = socket;
    this.#headers = [
      [':path', path],
      [':authority', authority],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['user-agent', 'millrace-bench'],
    ];
    socket.on('data', (part) => this.#read(part));
    socket.on('error', () => this.#end());
    socket.on('close', () => this.#end());
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(4, 0);
    settings.writeUInt32BE(WINDOW, 2);
    socket.write(
      Buffer.concat([
        PREFACE,
        frame(frameTypes.settings, 0, 0, settings),
        frame(frameTypes.windowUpdate, 0, 0, uint32(WINDOW - 65_535)),
      ]),
    );
  }

  /** Sends one message (without its prefix) and waits for the end of the answer. */
  call(message: Buffer): Promise<CallResult> {
    if (this.closed) return Promise.resolve('broken');
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const block = stream === 1 ? firstHeaders(this.#headers) : laterHeaders(this.#headers.length);
    const bytes = Buffer.allocUnsafe(HEADER_BYTES * 2 + block.length + 5 + message.length);
    writeFrameHead(bytes, 0, block.length, frameTypes.headers, END_HEADERS, stream);
    block.copy(bytes, HEADER_BYTES);
    const at = HEADER_BYTES + block.length;
    writeFrameHead(bytes, at, message.length + 5, frameTypes.data, END_STREAM, stream);
    bytes[at + HEADER_BYTES] = 0;
    bytes.writeUInt32BE(message.length, at + HEADER_BYTES + 1);
    message.copy(bytes, at + HEADER_BYTES + 5);
    return new Promise((resolve) => {
      this.#waiting.set(stream, { hasMessage: false, resolve });
      this.#socket.write(bytes);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(part: Buffer): void {
    const bytes = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const length = bytes.readUIntBE(at, 3);
      const end = at + HEADER_BYTES + length;
      if (end > bytes.length) break;
      this.#take(
        bytes[at + 3]!,
        bytes[at + 4]!,
        bytes.readUInt32BE(at + 5),
        bytes.subarray(at + HEADER_BYTES, end),
      );
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    const waiting = this.#waiting.get(stream);
    switch (type) {
      case frameTypes.data:
        if (waiting && payload.length > 5) waiting.hasMessage = true;
        this.#widen(payload.length);
        break;
      case frameTypes.settings:
        if ((flags & ACK) === 0) this.#socket.write(frame(frameTypes.settings, ACK, 0, Buffer.alloc(0)));
        return;
      case frameTypes.ping:
        if ((flags & ACK) === 0) this.#socket.write(frame(frameTypes.ping, ACK, 0, payload));
        return;
      case frameTypes.goaway:
        this.closed = true;
        return;
      case 3: // reset
        this.#settle(stream, 'broken');
        return;
    }
    if ((type === frameTypes.data || type === frameTypes.headers) && (flags & END_STREAM) !== 0) {
      this.#settle(stream, waiting?.hasMessage ? 'ok' : 'error');
    }
  }

  #widen(bytes: number): void {
    this.#windowUsed += bytes;
    if (this.#windowUsed < WINDOW_LOW) return;
    this.#socket.write(frame(frameTypes.windowUpdate, 0, 0, uint32(this.#windowUsed)));
    this.#windowUsed = 0;
  }

  #settle(stream: number, result: CallResult): void {
    const waiting = this.#waiting.get(stream);
    this.#waiting.delete(stream);
    waiting?.resolve(result);
  }

  #end(): void {
    this.closed = true;
    for (const stream of [...this.#waiting.keys()]) this.#settle(stream, 'broken');
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function writeFrameHead(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  bytes.writeUIntBE(length, at, 3);
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes.writeUInt32BE(stream, at + 5);
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  writeFrameHead(head, 0, payload.length, type, flags, stream);
  return Buffer.concat([head, payload]);
}

/** `:method POST` and `:scheme http` are in the static table; the others are put into the dynamic one. */
function firstHeaders(headers: readonly [string, string][]): Buffer {
  const text = (value: string) => [value.length, ...Buffer.from(value, 'latin1')];
  return Buffer.from([
    0x83,
    0x86,
    ...headers.flatMap(([name, value]) => [0x40, ...text(name), ...text(value)]),
  ]);
}

/** The newest entry of the dynamic table is number 62. */
function laterHeaders(count: number): Buffer {
  return Buffer.from([0x83, 0x86, ...Array.from({ length: count }, (_, i) => 0x80 | (61 + count - i))]);
}

import type { Socket } from 'node:net';
import { FrameReader, type TakeFrame, unpadded } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import {
  type ErrorCode,
  errorCode,
  flag,
  frameType,
  Http2Error,
  largestFrameBytes,
  largestWindow,
  mask31,
  plainFrameBytes,
  setting,
  words,
} from './frames.ts';
import { HeaderDecoder } from './header-decoder.ts';
import { Nuisances } from './nuisances.ts';
import { mostBlockBytes, mostHeaderBytes, readRequestHeaders, skipTrailers } from './request-headers.ts';
import { Http2Stream, type StreamCarrier, windowBytes } from './stream.ts';

interface ConnectionOptions {
  /** Called when the connection has begun to speak HTTP/2: from then on it can be told something. */
  readonly onGreeted?: () => void;
  /** Takes a new request, whose headers are there; it sets the stream's reader before it returns. */
  readonly onStream: (stream: Http2Stream) => void;
  /** Streams that may be open at a time. */
  readonly mostStreams: number;
}

/** Header fields that are on their way in several frames. */
interface OpenBlock {
  readonly streamId: number;
  readonly isLast: boolean;
  readonly parts: Buffer[];
  sizeBytes: number;
}

/** Room that a peer has before it says otherwise. */
const firstWindow = 65_535;
/** How long a connection has to begin to speak HTTP/2. */
const greetingMs = 10_000;
/** Bytes that may wait in a connection for slow readers at either end; a stream that needs more is ended. */
const mostKeptBytes = 256 * 1024 * 1024;
/** Streams that were reset here, of which frames may still be on their way. */
const mostRemembered = 10_000;
/** A connection that ends is cut off when its peer has taken nothing, and sent nothing, for so long, and in any case after a while. */
const lingerMs = 1000;
const longestLingerMs = 30_000;
const nothing: Buffer = Buffer.alloc(0);
const http1 = /^[A-Z]+ \S+ HTTP\/1\.\d\r?\n/;

/**
 * The server's end of a connection of HTTP/2 (RFC 9113): frames, streams, flow control. It has what clients of gRPC
 * need: it pushes nothing and heeds no priorities. A peer that breaks the protocol loses the stream or the connection,
 * as the standard wants it.
 */
export class Http2Connection implements StreamCarrier {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #in = new FrameReader();
  readonly #out: FrameWriter;
  readonly #decoder = new HeaderDecoder();
  readonly #nuisances = new Nuisances();
  readonly #streams = new Map<number, Http2Stream>();
  /** Streams that wait for the peer to take more. */
  readonly #waiting = new Set<Http2Stream>();
  readonly #resets = new Set<number>();
  readonly #pings = new Map<number, () => void>();
  #pingCount = 0;
  #greeted = false;
  #greeting: NodeJS.Timeout | null;
  #lingering: NodeJS.Timeout | null = null;
  #block: OpenBlock | null = null;
  #lastStreamId = 0;
  #sendWindow = firstWindow;
  /** Room of each new stream. */
  #streamWindow = firstWindow;
  #receiveWindow = windowBytes;
  #keptBytes = 0;
  #closing = false;
  /** Nothing is read any more. */
  #over = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#out = new FrameWriter(socket);
    this.#greeting = setTimeout(() => socket.destroy(), greetingMs).unref();
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('error', () => socket.destroy());
    socket.once('close', this.#onClose);
  }

  /** Whether the peer has begun to speak HTTP/2. */
  get greeted(): boolean {
    return this.#greeted;
  }

  get sendWindow(): number {
    return this.#sendWindow;
  }

  get hasRoom(): boolean {
    return this.#out.hasRoom;
  }

  /** Tells the peer that streams beyond this one are not answered. Only once it is greeted, as all that tells. */
  goaway(lastStreamId: number): void {
    this.#out.goaway(lastStreamId, errorCode.none, '');
  }

  /** Asks for a sign of life; answered too when the connection is gone. */
  ping(answered: () => void): void {
    this.#pings.set(++this.#pingCount, answered);
    this.#out.ping(words(0, this.#pingCount), false);
  }

  /** Has requests that are not whole looked at by their readers. */
  look(nowMs: number): void {
    for (const stream of this.#streams.values()) if (!stream.receivedEnd) stream.reader?.onLook(nowMs);
  }

  /** Takes no more streams, and ends when those that are open are answered. */
  close(): void {
    if (this.#closing || this.#over) return;
    this.#closing = true;
    if (this.#greeted) this.goaway(this.#lastStreamId);
    if (this.#streams.size === 0) this.#end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sendHeaders(streamId: number, block: Buffer, isLast: boolean): void {
    this.#out.headers(streamId, block, isLast);
  }

  sendData(streamId: number, bytes: Buffer): void {
    this.#sendWindow -= bytes.length;
    this.#out.data(streamId, bytes);
  }

  sendReset(streamId: number, code: ErrorCode): void {
    this.#resets.add(streamId);
    if (this.#resets.size > mostRemembered) this.#resets.delete(this.#resets.values().next().value as number);
    this.#out.reset(streamId, code);
  }

  sendCredit(streamId: number, bytes: number): void {
    this.#out.windowUpdate(streamId, bytes);
  }

  hasKeepingRoom(bytes: number): boolean {
    return this.#keptBytes === 0 || this.#keptBytes + bytes <= mostKeptBytes;
  }

  keep(bytes: number): void {
    this.#keptBytes += bytes;
  }

  waitForRoom(stream: Http2Stream): void {
    this.#waiting.add(stream);
  }

  closed(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#waiting.delete(stream);
    if (this.#closing && this.#streams.size === 0) this.#end();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#over) return;
    try {
      if (this.#greeted) this.#in.read(chunk, this.#take);
      else this.#greet(chunk);
    } catch (error) {
      this.#failWith(error);
    }
    // What we answer of frames that the peer floods us with must not pile up here.
    if (!this.#out.hasRoom) this.#socket.pause();
  };

  #greet(chunk: Buffer): void {
    const begin = this.#in.greet(chunk);
    if (begin === 'different') this.#refuse(chunk);
    if (begin !== 'whole') return;
    this.#greeted = true;
    this.#out.settings([
      [setting.maxConcurrentStreams, this.#options.mostStreams],
      [setting.initialWindowSize, windowBytes],
      [setting.maxHeaderListSize, mostHeaderBytes],
    ]);
    this.#out.windowUpdate(0, windowBytes - firstWindow);
    this.#options.onGreeted?.();
    this.#in.read(nothing, this.#take);
  }

  /** Tells somebody who speaks something else. */
  #refuse(bytes: Buffer): void {
    if (http1.test(bytes.toString('latin1', 0, 200))) {
      const text = 'this port speaks gRPC over HTTP/2; requests over HTTP/1.1 go to the port for HTTP\n';
      this.#over = true;
      this.#socket.end(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
      );
    } else this.#fail(new Http2Error(errorCode.protocol, 'the connection does not begin as HTTP/2 does'));
  }

  readonly #take: TakeFrame = (type, flags, streamId, payload) => {
    try {
      this.#dispatch(type, flags, streamId, payload);
    } catch (error) {
      this.#failWith(error);
    }
    return !this.#over;
  };

  #dispatch(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (this.#greeting) this.#expectSettings(type, flags);
    if (this.#block && (type !== frameType.continuation || this.#block.streamId !== streamId)) {
      throw protocolError('another frame comes within a block of headers');
    }
    if (type === frameType.data) this.#onDataFrame(flags, streamId, payload);
    else if (type === frameType.headers) this.#onHeaders(flags, streamId, payload);
    else if (type === frameType.windowUpdate) this.#onWindowUpdate(streamId, payload);
    else if (type === frameType.ping) this.#onPing(flags, streamId, payload);
    else if (type === frameType.rstStream) this.#onReset(streamId, payload);
    else if (type === frameType.settings) this.#onSettings(flags, streamId, payload);
    else if (type === frameType.continuation) this.#onContinuation(flags, payload);
    else if (type === frameType.priority) this.#onPriority(streamId, payload);
    else if (type === frameType.goaway) requireOn(streamId === 0, 'GOAWAY');
    else if (type === frameType.pushPromise) throw protocolError('a client cannot push');
    // Frames of types that are not known are ignored.
  }

  #expectSettings(type: number, flags: number): void {
    if (type !== frameType.settings || flags & flag.ack)
      throw protocolError('the first frame must be SETTINGS');
    if (this.#greeting) clearTimeout(this.#greeting);
    this.#greeting = null;
  }

  #onDataFrame(flags: number, streamId: number, payload: Buffer): void {
    this.#requireBegun(streamId, 'DATA');
    const wireBytes = payload.length;
    this.#receiveWindow -= wireBytes;
    if (this.#receiveWindow < 0) {
      throw new Http2Error(errorCode.flowControl, 'more bytes than the window has room for');
    }
    if (this.#receiveWindow < windowBytes / 2) {
      this.sendCredit(0, windowBytes - this.#receiveWindow);
      this.#receiveWindow = windowBytes;
    }
    const bytes = unpadded(flags, payload);
    const isLast = (flags & flag.endStream) !== 0;
    if (wireBytes === 0 && !isLast) this.#bear('empty DATA frames');
    const stream = this.#streams.get(streamId);
    if (stream) stream.receive(bytes, wireBytes, isLast);
    else if (!this.#resets.has(streamId)) {
      throw new Http2Error(errorCode.streamClosed, 'DATA on a closed stream', streamId);
    }
  }

  #onHeaders(flags: number, streamId: number, payload: Buffer): void {
    requireOn(streamId % 2 === 1, 'HEADERS');
    let block = unpadded(flags, payload);
    if (flags & flag.priority) {
      if (block.length < 5) throw new Http2Error(errorCode.frameSize, 'a priority is cut off');
      const dependsOn = block.readUInt32BE(0) & mask31;
      block = block.subarray(5);
      // The block must be decoded all the same: later ones need what it leaves in the table.
      if (dependsOn === streamId) {
        this.#decoder.decode(block, () => undefined);
        throw protocolError('a stream depends on itself', streamId);
      }
    }
    const isLast = (flags & flag.endStream) !== 0;
    if (flags & flag.endHeaders) this.#onBlock(streamId, isLast, block);
    else this.#block = { streamId, isLast, parts: [block], sizeBytes: block.length };
  }

  #onContinuation(flags: number, payload: Buffer): void {
    const open = this.#block;
    if (!open) throw protocolError('CONTINUATION follows no headers');
    open.parts.push(payload);
    open.sizeBytes += payload.length;
    if (open.sizeBytes > mostBlockBytes) {
      throw new Http2Error(errorCode.enhanceYourCalm, `headers of more than ${mostBlockBytes} bytes`);
    }
    if (payload.length === 0) this.#bear('empty CONTINUATION frames');
    if (!(flags & flag.endHeaders)) return;
    this.#block = null;
    this.#onBlock(open.streamId, open.isLast, Buffer.concat(open.parts, open.sizeBytes));
  }

  #onBlock(streamId: number, isLast: boolean, block: Buffer): void {
    if (streamId > this.#lastStreamId) {
      this.#lastStreamId = streamId;
      this.#open(streamId, isLast, block);
      return;
    }
    const stream = this.#streams.get(streamId);
    if (!stream && !this.#resets.has(streamId)) {
      throw new Http2Error(errorCode.streamClosed, 'HEADERS on a closed stream');
    }
    skipTrailers(this.#decoder, block, streamId);
    if (stream?.receivedEnd) {
      throw new Http2Error(errorCode.streamClosed, 'HEADERS behind the end', streamId);
    }
    if (!isLast) throw protocolError('trailers must end the stream', streamId);
    stream?.receiveEnd();
  }

  #open(streamId: number, isLast: boolean, block: Buffer): void {
    const headers = readRequestHeaders(this.#decoder, block, streamId);
    if (this.#closing || this.#streams.size >= this.#options.mostStreams) {
      throw new Http2Error(errorCode.refusedStream, 'no more streams are taken', streamId);
    }
    const stream = new Http2Stream(streamId, headers, this, this.#streamWindow);
    this.#streams.set(streamId, stream);
    this.#options.onStream(stream);
    if (isLast) stream.receiveEnd();
  }

  #onPriority(streamId: number, payload: Buffer): void {
    requireOn(streamId !== 0, 'PRIORITY');
    this.#bear('PRIORITY frames');
    if (payload.length !== 5) throw new Http2Error(errorCode.frameSize, 'PRIORITY has 5 bytes', streamId);
    if ((payload.readUInt32BE(0) & mask31) === streamId) {
      throw protocolError('a stream depends on itself', streamId);
    }
  }

  #onReset(streamId: number, payload: Buffer): void {
    this.#requireBegun(streamId, 'RST_STREAM');
    if (payload.length !== 4) throw new Http2Error(errorCode.frameSize, 'RST_STREAM has 4 bytes');
    const stream = this.#streams.get(streamId);
    if (!stream) return;
    // A whole request is as much work whether its answer is wanted or not, and callers do give up: deadlines.
    if (!stream.receivedEnd) this.#bear('requests that are begun and reset');
    stream.close();
  }

  #onSettings(flags: number, streamId: number, payload: Buffer): void {
    requireOn(streamId === 0, 'SETTINGS');
    if (payload.length % 6 !== 0 || (flags & flag.ack && payload.length > 0)) {
      throw new Http2Error(errorCode.frameSize, 'SETTINGS has six bytes for each setting');
    }
    if (flags & flag.ack) return;
    this.#bear('SETTINGS frames');
    for (let at = 0; at < payload.length; at += 6) {
      this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
    this.#out.settingsAck();
    this.#flushWaiting();
  }

  #set(id: number, value: number): void {
    if (id === setting.enablePush && value > 1) throw protocolError('ENABLE_PUSH is 0 or 1');
    if (id === setting.maxFrameSize) {
      if (value < plainFrameBytes || value > largestFrameBytes)
        throw protocolError('MAX_FRAME_SIZE is wrong');
      this.#out.frameBytes = value;
    }
    if (id !== setting.initialWindowSize) return;
    if (value > largestWindow)
      throw new Http2Error(errorCode.flowControl, 'INITIAL_WINDOW_SIZE is too large');
    const more = value - this.#streamWindow;
    this.#streamWindow = value;
    for (const stream of this.#streams.values()) {
      if (!stream.addWindow(more)) {
        throw new Http2Error(errorCode.flowControl, 'INITIAL_WINDOW_SIZE makes a window too large');
      }
    }
  }

  #onPing(flags: number, streamId: number, payload: Buffer): void {
    requireOn(streamId === 0, 'PING');
    if (payload.length !== 8) throw new Http2Error(errorCode.frameSize, 'PING has 8 bytes');
    if (!(flags & flag.ack)) {
      this.#out.ping(payload, true);
      return;
    }
    const count = payload.readUInt32BE(4);
    const answered = this.#pings.get(count);
    this.#pings.delete(count);
    answered?.();
  }

  #onWindowUpdate(streamId: number, payload: Buffer): void {
    if (payload.length !== 4) throw new Http2Error(errorCode.frameSize, 'WINDOW_UPDATE has 4 bytes');
    const bytes = payload.readUInt32BE(0) & mask31;
    if (streamId === 0) {
      if (bytes === 0) throw protocolError('WINDOW_UPDATE of 0 bytes');
      this.#sendWindow += bytes;
      if (this.#sendWindow > largestWindow) {
        throw new Http2Error(errorCode.flowControl, 'the window is too large');
      }
      this.#flushWaiting();
      return;
    }
    this.#requireBegun(streamId, 'WINDOW_UPDATE');
    if (bytes === 0) throw protocolError('WINDOW_UPDATE of 0 bytes', streamId);
    const stream = this.#streams.get(streamId);
    if (!stream) return;
    if (!stream.addWindow(bytes)) {
      throw new Http2Error(errorCode.flowControl, 'the window is too large', streamId);
    }
    stream.flush();
  }

  /** Throws ENHANCE_YOUR_CALM when there were too many of what brings nobody anything. */
  #bear(what: string): void {
    if (!this.#nuisances.allows()) throw calmDown(what);
  }

  /** Throws PROTOCOL_ERROR where no such stream was ever opened. */
  #requireBegun(streamId: number, what: string): void {
    requireOn(streamId % 2 === 1 && streamId <= this.#lastStreamId, what);
  }

  /** In turn, so that no stream takes all of the room again and again. */
  #flushWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const stream of waiting) stream.flush();
  }

  readonly #onDrain = (): void => {
    this.#socket.resume();
    this.#flushWaiting();
  };

  #failWith(error: unknown): void {
    if (!(error instanceof Http2Error)) throw error;
    const { streamId, code } = error;
    if (streamId === null) this.#fail(error);
    // Clients may not have heard of the limit yet when they begin more calls than it allows.
    else if (code !== errorCode.refusedStream && !this.#nuisances.allows())
      this.#fail(calmDown('streams that break the protocol'));
    else {
      const stream = this.#streams.get(streamId);
      if (stream) stream.reset(code);
      else this.sendReset(streamId, code);
    }
  }

  #fail(error: Http2Error): void {
    if (this.#over) return;
    this.#out.goaway(this.#lastStreamId, error.code, error.message);
    this.#end();
    for (const stream of this.#streams.values()) stream.close();
  }

  /** Whether all is answered: it lasts until the peer has read that. */
  get isEnding(): boolean {
    return this.#over;
  }

  /** A peer that still sends would lose our last bytes if it were cut off at once; so would one that reads slowly. */
  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#out.flush();
    this.#socket.end();
    this.#socket.resume();
    this.#socket.setTimeout(lingerMs, () => this.#socket.destroy());
    this.#lingering = setTimeout(() => this.#socket.destroy(), longestLingerMs).unref();
  }

  readonly #onClose = (): void => {
    if (this.#greeting) clearTimeout(this.#greeting);
    if (this.#lingering) clearTimeout(this.#lingering);
    for (const stream of this.#streams.values()) stream.close();
    for (const answered of this.#pings.values()) answered();
  };
}

function protocolError(message: string, streamId: number | null = null): Http2Error {
  return new Http2Error(errorCode.protocol, message, streamId);
}

function calmDown(what: string): Http2Error {
  return new Http2Error(errorCode.enhanceYourCalm, `too many ${what}`);
}

function requireOn(isRight: boolean, what: string): void {
  if (!isRight) throw protocolError(`${what} comes on a stream where it cannot be`);
}

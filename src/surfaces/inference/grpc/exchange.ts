import { fail, type MillraceError } from '../../../core/errors.ts';
import { longestTimerMs } from '../../../core/time.ts';
import type { BodyRoom, BodyShare } from '../body-room.ts';
import { headerBlock } from '../http2/header-block.ts';
import type { RequestHeaders } from '../http2/request-headers.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { compressedFrameOf, encodings, expand, type Frame, frameOf } from './framing.ts';
import type { MessageCodec } from './messages.ts';
import { answerEncoding, requestEncoding, timeoutMsOf } from './metadata.ts';
import { encodeMessage, failureOf, GrpcError, grpcStatus } from './status.ts';

const contentType = 'application/grpc';
const plainHead = { ':status': '200', 'content-type': contentType } as const;
const fullHead = { ...plainHead, 'grpc-accept-encoding': encodings.join(',') } as const;
const plainHeadBlock = headerBlock(plainHead);
const okTrailers = headerBlock({ 'grpc-status': '0' });
/** Deadlines far away are kept to this precision: timers of equal length cost less, and callers keep their own. */
const coarseMs = 100;
const longMs = 1000;

export interface ExchangeOptions {
  readonly limitBytes: number;
  /** How long a message may be on its way. */
  readonly requestTimeoutMs: number;
  /** Bounds the messages under way in the process. */
  readonly bodyRoom: BodyRoom;
  /** Told of errors that are nobody's fault but ours. */
  readonly onUnforeseen: (error: unknown, path: string) => void;
  /** Told when the call is over, whatever its end. */
  readonly onEnd: (exchange: Exchange) => void;
}

/** One call on one stream of HTTP/2: reads frames into messages, keeps the deadline, and ends it exactly once. */
export class Exchange {
  readonly headers: RequestHeaders;
  readonly receivedAtMs = Date.now();
  readonly startedMs = performance.now();
  readonly timeoutMs: number | null;
  readonly #stream: Http2Stream;
  readonly #options: ExchangeOptions;
  readonly #encoding: string;
  readonly #answerEncoding: string;
  readonly #timer: NodeJS.Timeout | null;
  readonly #bodyShare: BodyShare;
  #over = false;
  #heldBack = false;
  #messageBytes = 0;
  #expandedBytes = 0;
  #answering = false;
  #closed = false;

  /** Throws what is wrong with the call's metadata. */
  constructor(stream: Http2Stream, options: ExchangeOptions) {
    const { headers } = stream;
    this.#stream = stream;
    this.headers = headers;
    this.#options = options;
    this.#bodyShare = options.bodyRoom.share();
    this.#encoding = requestEncoding(headers);
    this.#answerEncoding = answerEncoding(headers, this.#encoding);
    this.timeoutMs = timeoutMsOf(headers);
    this.#timer = this.timeoutMs === null ? null : this.#startTimer(this.timeoutMs);
  }

  /** True when it was answered, cancelled or is past its deadline: nobody waits any more. */
  get over(): boolean {
    return this.#over;
  }
  readonly hasLeft = (): boolean => this.#over;

  /** True while a message waits for the caller to read those before it. */
  get heldBack(): boolean {
    return this.#heldBack;
  }

  get limitBytes(): number {
    return this.#options.limitBytes;
  }

  /** What the last compressed message came to. */
  get expandedBytes(): number {
    return this.#expandedBytes;
  }

  /** What becomes of a message that began to come at a time (performance.now()) and is not whole; null while it has time. */
  lateness(sinceMs: number, nowMs: number): MillraceError | null {
    return nowMs - sinceMs > this.#options.requestTimeoutMs ? fail('request_too_slow', {}) : null;
  }

  /** Holds room for so many bytes of messages as they came, and for what was expanded. Throws `bodies_full`. */
  hold(messageBytes: number): void {
    this.#messageBytes = messageBytes;
    this.#holdAll();
  }

  /** An expanded message is not needed any more; the next `hold` gives its room back. */
  dropExpanded(): void {
    this.#expandedBytes = 0;
  }

  /** Keeps what is held until messages are answered, also when their caller is gone before. */
  holdUntil(answered: Promise<void>): void {
    this.#answering = true;
    void answered.finally(() => {
      this.#answering = false;
      if (this.#closed) this.#bodyShare.leave();
    });
  }

  /** Throws `INVALID_ARGUMENT` for bytes that are no message, and what `expand` throws. */
  read(frame: Frame, codec: MessageCodec): object | Promise<object> {
    if (!frame.compressed) return decode(frame.bytes, codec);
    const hold = (sizeBytes: number) => {
      this.#expandedBytes = sizeBytes;
      this.#holdAll();
    };
    return expand(frame, this.#encoding, this.limitBytes, hold).then((bytes) => decode(bytes, codec));
  }

  /** Answers with one message and ends. */
  answer(message: Uint8Array): void {
    if (this.#over) return;
    if (this.#answerEncoding !== 'identity') {
      this.send(message).then(
        () => this.finish(),
        (error) => this.fail(error),
      );
      return;
    }
    const frame = frameOf(message);
    if (!this.#stream.canWrite(frame.length)) {
      this.fail(tooManyUnread());
      return;
    }
    this.#stream.respond(plainHeadBlock);
    this.#stream.write(frame);
    this.#stream.end(okTrailers);
    this.#finished();
  }

  /** Sends a message of several; resolves when there is room for another. Throws RESOURCE_EXHAUSTED for the unread. */
  async send(message: Uint8Array): Promise<void> {
    const frame = await compressedFrameOf(message, this.#answerEncoding);
    if (this.#over) return;
    if (!this.#stream.canWrite(frame.length)) throw tooManyUnread();
    if (!this.#stream.begun) this.#stream.respond(this.#head());
    if (this.#stream.write(frame)) return;
    this.#heldBack = true;
    await this.#stream.room();
    this.#heldBack = false;
  }

  /** Ends a stream of messages well. */
  finish(): void {
    if (this.#over) return;
    if (!this.#stream.begun) this.#stream.respond(this.#head());
    this.#stream.end(okTrailers);
    this.#finished();
  }

  /** Ends with an error: by headers alone when nothing was sent yet, else by the trailers. */
  fail(error: unknown): void {
    if (this.#over) return;
    const { status, message, code } = failureOf(error);
    if (status === grpcStatus.internal) this.#options.onUnforeseen(error, String(this.headers[':path']));
    const trailers: Record<string, string> = {
      'grpc-status': String(status),
      'grpc-message': encodeMessage(message),
    };
    if (code !== null) trailers['x-millrace-error'] = code;
    if (this.#stream.begun) this.#stream.end(headerBlock(trailers));
    else refuse(this.#stream, trailers);
    this.#finished();
  }

  /** The stream is closed, whoever closed it. */
  close(): void {
    this.#finished();
    this.#closed = true;
    if (!this.#answering) this.#bodyShare.leave();
    this.#options.onEnd(this);
  }

  #holdAll(): void {
    if (!this.#closed) this.#bodyShare.hold(this.#messageBytes + this.#expandedBytes);
  }

  #head(): Buffer {
    const encoding = this.#answerEncoding;
    return headerBlock(encoding === 'identity' ? fullHead : { ...fullHead, 'grpc-encoding': encoding });
  }

  #startTimer(timeoutMs: number): NodeJS.Timeout {
    const ms = timeoutMs > longMs ? Math.ceil(timeoutMs / coarseMs) * coarseMs : timeoutMs;
    const expire = () =>
      this.fail(
        new GrpcError(
          grpcStatus.deadlineExceeded,
          `Deadline Exceeded: the deadline of ${timeoutMs} ms has passed`,
        ),
      );
    return setTimeout(expire, Math.min(ms, longestTimerMs)).unref();
  }

  /** Nothing may be sent any more; the stream closes when the caller has read everything. */
  #finished(): void {
    this.#over = true;
    if (this.#timer) clearTimeout(this.#timer);
  }
}

/** Of many large answers on one connection: this one has no room to wait in, the others do. */
function tooManyUnread(): GrpcError {
  return new GrpcError(
    grpcStatus.resourceExhausted,
    'the answers of other calls on this connection wait to be read and leave no room for this one; read them and call again, have fewer large calls under way at once, or use more connections',
  );
}

function decode(bytes: Buffer, codec: MessageCodec): object {
  try {
    return codec.decode(bytes);
  } catch (error) {
    const text = `the message is not what the method takes: ${(error as Error).message}`;
    throw new GrpcError(grpcStatus.invalidArgument, text);
  }
}

/** Refuses a call by headers alone, and stops the caller from sending more of it. */
export function refuse(stream: Http2Stream, trailers: Readonly<Record<string, string>>): void {
  stream.respond(headerBlock({ ...fullHead, ...trailers }), true);
}

/** The trailers of an error. */
export function trailersOf(error: unknown): Record<string, string> {
  const { status, message } = failureOf(error);
  return { 'grpc-status': String(status), 'grpc-message': encodeMessage(message) };
}

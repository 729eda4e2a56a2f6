import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { FrameReader, frameOf } from './framing.ts';
import { readProto } from './messages.ts';

/** What came back from a call: status and message of gRPC, and the messages. */
interface CallAnswer {
  readonly status: number;
  readonly message: string;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly messages: readonly { readonly compressed: boolean; readonly bytes: Buffer }[];
}

export const inferPath = '/inference.GRPCInferenceService/ModelInfer';
export const streamPath = '/inference.GRPCInferenceService/ModelStreamInfer';
const longestAnswer = 2 ** 30;

/** A client on node:http2 that sends whatever bytes a test wants. */
export class RawClient {
  readonly session: ClientHttp2Session;
  lastGoaway: number | null = null;

  /** @param socket a connection that is open already; one of its own unless given */
  constructor(address: string, socket?: Socket) {
    this.session = connect(`http://${address}`, socket ? { createConnection: () => socket } : {});
    this.session.on('error', () => undefined);
    this.session.on('goaway', (_code, lastStream) => {
      this.lastGoaway = lastStream;
    });
  }

  /** Sends the bytes (frames, or what a test makes of them) and waits for the end. */
  async call(
    path: string,
    bytes: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<CallAnswer> {
    const stream = this.session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.end(bytes);
    return collect(stream);
  }

  close(): void {
    this.session.destroy();
  }
}

/** Reads a stream of HTTP/2 to its end. */
export function collect(stream: ReturnType<ClientHttp2Session['request']>): Promise<CallAnswer> {
  const reader = new FrameReader(longestAnswer);
  const messages: { compressed: boolean; bytes: Buffer }[] = [];
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  return new Promise((resolve, reject) => {
    stream.on('response', (h) => {
      headers = h;
    });
    stream.on('trailers', (h) => {
      trailers = h;
    });
    stream.on('data', (part: Buffer) => messages.push(...reader.push(part)));
    stream.on('error', reject);
    stream.on('close', () => {
      const last = trailers['grpc-status'] === undefined ? headers : trailers;
      resolve({
        status: Number(last['grpc-status'] ?? Number.NaN),
        message: decodeURIComponent(String(last['grpc-message'] ?? '')),
        headers,
        trailers,
        messages,
      });
    });
  });
}

/** Messages of inference.proto by their names, as bytes. */
export function protoCodec(): {
  encode(type: string, value: object): Buffer;
  frame(type: string, value: object): Buffer;
  decode(type: string, bytes: Uint8Array): Record<string, unknown>;
} {
  const root = readProto('inference');
  const typeOf = (name: string) => root.lookupType(`inference.${name}`);
  const encode = (type: string, value: object) =>
    Buffer.from(typeOf(type).encode(typeOf(type).fromObject(value)).finish());
  return {
    encode,
    frame: (type, value) => frameOf(encode(type, value)),
    decode: (type, bytes) =>
      typeOf(type).toObject(typeOf(type).decode(bytes), { longs: Number, defaults: true }),
  };
}

import type protobuf from 'protobufjs';
import type { RequestHeaders } from '../http2/request-headers.ts';
import { codecOf, type MessageCodec } from './messages.ts';

/** One call, as its method sees it. */
export interface Call {
  readonly headers: RequestHeaders;
  /** Epoch milliseconds, and the monotonic clock, when the call's first message was complete. */
  readonly receivedAtMs: number;
  readonly startedMs: number;
  /** How long after `startedMs` the caller waits; null: for ever. */
  readonly timeoutMs: number | null;
  /** Whether nobody waits any more: the call was answered, cancelled, or is past its deadline. */
  readonly hasLeft: () => boolean;
}

/** A call with messages both ways. */
export interface StreamCall extends Call {
  /** Messages of the caller as they come; ends when the caller has ended, and when the server drains. */
  readonly messages: AsyncIterable<object>;
  /** Was the last message a large one? It is answered before the next is taken, so that one has room at a time. */
  readonly lastIsLarge: () => boolean;
  /** Aborted when the call is over: cancelled, past its deadline, or the server drains. */
  readonly signal: AbortSignal;
  /** Aborted when nobody waits any more, or when a server that drains has waited long enough. */
  readonly gone: AbortSignal;
  /** Sends a message; resolves when there is room for another. */
  send(message: object): Promise<void>;
}

export interface UnaryMethod {
  readonly kind: 'unary';
  readonly request: MessageCodec;
  readonly response: MessageCodec;
  readonly answer: (message: object, call: Call) => object | Promise<object>;
}

export interface StreamMethod {
  readonly kind: 'stream';
  readonly request: MessageCodec;
  readonly response: MessageCodec;
  readonly run: (call: StreamCall) => Promise<void>;
}

export type Method = UnaryMethod | StreamMethod;

/** Methods by path: `/<package>.<service>/<method>`. */
export type Methods = ReadonlyMap<string, Method>;

/** What answers one method. The types of its messages are those of the .proto file. */
export type Handler =
  | { readonly unary: (message: never, call: Call) => object | Promise<object> }
  | { readonly stream: (call: StreamCall) => Promise<void> };

/** Puts handlers to the methods of a service. Throws when one is missing or too many. */
export function methodsOf(
  root: protobuf.Root,
  service: string,
  handlers: Readonly<Record<string, Handler>>,
): [string, Method][] {
  const found = root.lookupService(service);
  for (const name of Object.keys(handlers)) {
    if (!found.methods[name]) throw new Error(`${service} has no method ${name}`);
  }
  return found.methodsArray.map((method) => {
    const handler = handlers[method.name];
    if (!handler) throw new Error(`${service}/${method.name} has no handler`);
    const request = codecOf(found.lookupType(method.requestType));
    const response = codecOf(found.lookupType(method.responseType));
    const path = `/${service}/${method.name}`;
    if ('unary' in handler) {
      return [path, { kind: 'unary', request, response, answer: handler.unary as UnaryMethod['answer'] }];
    }
    return [path, { kind: 'stream', request, response, run: handler.stream }];
  });
}

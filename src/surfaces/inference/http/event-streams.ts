import type { ServerResponse } from 'node:http';
import { fail, type MillraceError } from '../../../core/errors.ts';
import type { HttpAnswer } from './answer.ts';

/** An answer that is sent in pieces, as server-sent events. */
export interface EventAnswer {
  /** Starts the work; its pieces are the data of the events, as JSON. Aborting the signal stops it. */
  readonly pieces: (signal: AbortSignal) => AsyncIterable<string>;
  /** Data of the events that end the stream: after the last piece, and after an error, whose body this is. */
  readonly done: readonly string[];
  readonly broken: (body: string) => readonly string[];
}

/** How the server tells an error: the body of an answer, or the whole of one while nothing was sent. */
interface EventErrors {
  readonly toError: (thrown: unknown) => MillraceError;
  readonly bodyOf: (error: MillraceError) => HttpAnswer;
  readonly refuse: (error: MillraceError) => void;
}

/** How long streams have to come to their end once the server stops. */
const drainMs = 3000;

const head = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // Proxies of nginx's kind would keep events back until they fill a buffer.
  'x-accel-buffering': 'no',
} as const;

/** The streams of events that a server has open. */
export class EventStreams {
  readonly #open = new Set<AbortController>();
  #draining = false;

  /**
   * Sends the events of an answer as they come, at the pace of the caller. Headers go out with the first one: what
   * fails before it has the status of its error, what fails later is an event. A caller that leaves stops the work.
   */
  async send(
    response: ServerResponse,
    { pieces, done, broken }: EventAnswer,
    errors: EventErrors,
  ): Promise<void> {
    const stop = new AbortController();
    const leave = () => stop.abort();
    if (response.closed) leave();
    response.once('close', leave);
    this.#open.add(stop);
    try {
      for await (const data of pieces(stop.signal)) await write(response, eventOf(data));
      await write(response, done.map(eventOf).join(''));
    } catch (thrown) {
      const error = errors.toError(thrown);
      if (!response.headersSent) {
        if (!response.closed) errors.refuse(error);
        return;
      }
      await write(
        response,
        broken(String(errors.bodyOf(error).body))
          .map(eventOf)
          .join(''),
      );
    } finally {
      this.#open.delete(stop);
      response.off('close', leave);
    }
    // The connection of a server that stops is of no more use; the head of this answer could not say so.
    response.end(() => this.#draining && response.req.socket.end());
  }

  /** Waits for the streams that are open, and after a while ends them with an error. */
  async drain(): Promise<void> {
    this.#draining = true;
    const untilMs = performance.now() + drainMs;
    while (this.#open.size > 0 && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const stop of this.#open) stop.abort(fail('stream_stopped', {}));
  }
}

function eventOf(data: string): string {
  return `data: ${data}\n\n`;
}

/** Resolves when there is room for more, or nobody to take it. */
async function write(response: ServerResponse, text: string): Promise<void> {
  if (response.closed) return;
  if (!response.headersSent) response.writeHead(200, head);
  if (text === '' || response.write(text)) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });
}

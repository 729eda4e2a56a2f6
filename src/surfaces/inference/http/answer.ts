import type { EventAnswer } from './event-streams.ts';

/** An answer before it is sent, whatever protocol made it. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly contentType: string;
  /** Beside content type and length. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent in pieces instead of the body. */
  readonly events?: EventAnswer;
}

export function jsonAnswer(status: number, value: unknown): HttpAnswer {
  return jsonText(status, JSON.stringify(value));
}

export function jsonText(status: number, body: string): HttpAnswer {
  return { status, body, contentType: 'application/json' };
}

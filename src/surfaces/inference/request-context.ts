import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { fail } from '../../core/errors.ts';
import { epochMs, parseTime } from '../../core/time.ts';
import type { PredictRequest } from '../../lifecycle/serving/index.ts';
import { formatTraceparent, parseTraceparent } from '../../platform/tracing/index.ts';

/** What is known of a request beside its body. */
export interface RequestContext {
  readonly endpoint: string;
  readonly version: string | null;
  readonly headers: IncomingMessage['headers'];
  readonly receivedAtMs: number;
  readonly startedMs: number;
  /** Says whether the caller has left; rows that wait then are not computed. Left out: it stays. */
  readonly hasLeft?: (() => boolean) | undefined;
}

/**
 * `x-millrace-entity`: who or what the request is about, when the body does not say. Headers come as Latin-1 (RFC 9110,
 * section 5.5, gives other bytes no meaning); one that is UTF-8, as most clients send it, is the same entity as in a body.
 */
export function headerEntity(context: RequestContext): string | null {
  const value = context.headers['x-millrace-entity'];
  if (typeof value !== 'string' || value === '') return null;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : value;
}

/** `x-millrace-arm`: a tester's token that chooses the arm. */
export function headerArm(context: RequestContext): string | null {
  const value = context.headers['x-millrace-arm'];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The trace of the headers `traceparent` and `tracestate`, as members of the request; nothing outside a trace. */
export function headerTrace({
  headers,
}: Pick<RequestContext, 'headers'>): Pick<PredictRequest, 'traceId' | 'trace'> {
  const { traceparent, tracestate } = headers;
  if (traceparent === undefined) return outsideTraces;
  const context = parseTraceparent(traceparent);
  if (!context) return outsideTraces;
  const state = typeof tracestate === 'string' && tracestate !== '' ? { tracestate } : {};
  return { traceId: context.traceId, trace: { traceparent: formatTraceparent(context), ...state } };
}

const outsideTraces = {} as const;

/** `x-millrace-event-time`: RFC 3339 or epoch milliseconds. Throws `invalid_time`. */
export function headerEventTimeMs(context: RequestContext): number | null {
  const value = context.headers['x-millrace-event-time'];
  return typeof value === 'string' && value !== '' ? eventTimeMs(value, 'x-millrace-event-time') : null;
}

/** An event time in a body or header: a number or digits are epoch milliseconds, else RFC 3339. */
export function eventTimeMs(value: unknown, field: string): number {
  if (typeof value === 'number' || typeof value === 'bigint') return epochMs(Number(value), field);
  if (typeof value === 'string')
    return /^-?\d+$/.test(value) ? epochMs(Number(value), field) : parseTime(value, field);
  throw fail('invalid_time', { field, value: JSON.stringify(value) });
}

/**
 * An id or entity that a body gives, as text: null where it is null or empty, which is none at all. Throws
 * `request_malformed` for lists and objects.
 */
export function givenText(value: unknown, field: string): string | null {
  if (value === null || value === undefined || value === '' || Number.isNaN(value)) return null;
  if (typeof value === 'object' || typeof value === 'boolean')
    throw malformed(`${field} must be a text or a number`);
  return String(value);
}

export function malformed(problem: string) {
  return fail('request_malformed', { problem });
}

/** The id of each row of a request: the request's own for one row, else `<id>-<row>`. */
export function rowIds(id: string, rowCount: number): string[] {
  return rowCount === 1 ? [id] : Array.from({ length: rowCount }, (_, row) => `${id}-${row}`);
}

/** A name out of a path. Throws `request_malformed` when its percent-encoding is broken. */
export function nameInPath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed(`"${text}" in the path is not percent-encoded text`);
  }
}

/**
 * The one catalogue of errors: code, HTTP status, title, message template, next step.
 * `{name}` in a template is replaced by the parameter of that name. docs/errors.md is generated from here.
 */
export interface ErrorEntry {
  readonly status: number;
  readonly title: string;
  readonly message: string;
  readonly next: string;
}

export const errorCatalogue = {
  // core and platform
  invalid_duration: {
    status: 400,
    title: 'Not a duration',
    message: '{field}: "{value}" is not a duration',
    next: 'Write a number with a unit, for instance 90s, 30m, 6h, 7d or 1h30m.',
  },
  invalid_time: {
    status: 400,
    title: 'Not a time',
    message: '{field}: "{value}" is not a time',
    next: 'Write an RFC 3339 time such as 2001-03-04T05:06:07Z.',
  },
  invalid_input: {
    status: 400,
    title: 'Invalid input',
    message: '{field}: {problem}',
    next: 'Correct the named field and send the request again.',
  },
  invalid_page_token: {
    status: 400,
    title: 'Invalid page token',
    message: 'after: "{value}" is not a page token of this list',
    next: 'Use the "next" value of the previous page, or leave "after" out to start again.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    message: '{kind} "{id}" does not exist',
    next: 'Check the name; list what exists with GET {list}.',
  },
  route_not_found: {
    status: 404,
    title: 'No such address',
    message: '{method} {path} is not an address of this server',
    next: 'See docs/openapi.json for the addresses.',
  },
  conflict: {
    status: 409,
    title: 'Conflict',
    message: '{problem}',
    next: 'Read the resource again and repeat the change on its present state.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    message: '{actor} may not {permission}',
    next: 'Ask somebody who holds this permission.',
  },
  payload_too_large: {
    status: 413,
    title: 'Too large',
    message: 'the body is larger than {limitBytes} bytes',
    next: 'Send it in smaller parts.',
  },
  internal: {
    status: 500,
    title: 'Internal error',
    message: 'an unexpected error happened (reference {reference})',
    next: 'Look for the reference in the log of the server, and report it.',
  },
  config_invalid: {
    status: 400,
    title: 'Invalid setting',
    message: 'setting {field}: {problem}',
    next: 'Correct it in the flag, environment variable or config file named.',
  },
  port_taken: {
    status: 503,
    title: 'Port taken',
    message: 'port {port} on {host} is taken by another program',
    next: 'Stop that program, or choose another port with {setting}.',
  },
  data_locked: {
    status: 409,
    title: 'Data directory in use',
    message: 'the data directory {path} is held by process {pid}',
    next: 'Stop that process, or start with another directory (--data or MILLRACE_DATA).',
  },
  disk_full: {
    status: 507,
    title: 'Disk full',
    message: 'no space is left where {path} is written',
    next: 'Free some space; the work goes on by itself from where it stopped.',
  },
  database_unreachable: {
    status: 503,
    title: 'Database unreachable',
    message: 'the database {url} does not answer: {problem}',
    next: 'Check MILLRACE_DATABASE_URL and that the database is running.',
  },
  blob_missing: {
    status: 404,
    title: 'Blob missing',
    message: 'blob {digest} is not in the store',
    next: 'Upload it with PUT /api/v1/blobs/{digest}, or restore it from a backup.',
  },
  blob_corrupt: {
    status: 422,
    title: 'Digest differs',
    message: 'the content has digest {actual}, not {expected}',
    next: 'Send the content again; if it is so again, the source is damaged.',
  },
  frames_failed: {
    status: 500,
    title: 'Query failed',
    message: 'the frame engine refused a query: {problem}',
    next: 'If it ran out of memory, raise MILLRACE_FRAMES_MEMORY; else report the message.',
  },
  control_unreachable: {
    status: 503,
    title: 'Control unreachable',
    message: 'control at {url} does not answer: {problem}',
    next: 'Start it with "millrace up", or name another with --url or MILLRACE_URL.',
  },
  // jobs
  lease_lost: {
    status: 409,
    title: 'Lease lost',
    message: 'attempt {attempt} of job {id} no longer holds its lease',
    next: 'Drop this attempt; the job was cancelled, or goes on elsewhere.',
  },
  // watermarks
  watermark_backwards: {
    status: 409,
    title: 'Watermark cannot go back',
    message: 'the watermark of {stream} is at {current}, {value} is earlier',
    next: 'Advance it to a later time; what is closed stays closed.',
  },
  watermark_live: {
    status: 409,
    title: 'Stream is live',
    message: 'the watermark of {stream} follows the wall clock',
    next: 'Only a stream in replay mode is advanced by hand: set its mode to "replay" first.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error with an entry in the catalogue. `detail` is the message for people, filled in. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly next: string;
  readonly params: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, params: Readonly<Record<string, unknown>>, cause?: unknown) {
    const entry: ErrorEntry = errorCatalogue[code];
    const fill = (template: string) => template.replace(/\{(\w+)\}/g, (_, key: string) => String(params[key] ?? ''));
    super(fill(entry.message), cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = entry.status;
    this.title = entry.title;
    this.next = fill(entry.next);
    this.params = params;
  }
}

/** Makes the error of a code: `throw fail('not_found', { kind: 'run', id })`. */
export function fail(
  code: ErrorCode,
  params: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): MillraceError {
  return new MillraceError(code, params, cause);
}

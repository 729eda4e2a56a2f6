import type { FilterProblem } from '../../../src/lifecycle/experiments/contract/search.ts';

/** RFC 9457 body as this server writes it. */
export type Problem = {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** What to do next. */
  readonly next: string | null;
  readonly issues: readonly { readonly field: string; readonly problem: string }[];
  /** Where a filter or an order is wrong; null for any other problem. */
  readonly place: FilterProblem | null;
};

/** What a screen shows when a request failed: what happened, to what, what to do next. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function placeOf(value: unknown): FilterProblem | null {
  const place = value as Partial<FilterProblem> | null;
  if (typeof place?.position !== 'number' || typeof place.excerpt !== 'string') return null;
  const { position, excerpt, length = 0, expected = [], problem = '' } = place;
  return { position, excerpt, length, expected, problem };
}

/**
 * Reads the JSON of an answer that is none of failure.
 *
 * @throws ProblemError when it is something else, as the page of a proxy that asks who somebody is
 */
export async function answerOf<T>(response: Response): Promise<T> {
  const body = await response.text();
  try {
    return JSON.parse(body) as T;
  } catch {
    throw foreignAnswer(response);
  }
}

/** What it means when something other than this server answered: what stands before it, as its errors are JSON. */
function foreignAnswer({ status, statusText }: Response): ProblemError {
  const said = `${status} ${statusText}`.trim();
  const [title, detail, next] =
    status === 401 || status === 403
      ? [
          'Access was refused',
          `What stands before the server answered ${said}.`,
          'Sign in again: reload this page.',
        ]
      : status >= 500
        ? [
            'The server does not answer',
            `What stands before it answered ${said}.`,
            'It goes on by itself once the server is back. If you changed something, look whether it was done.',
          ]
        : [
            'Something else answered',
            `No JSON came, but ${said} with something else: the page of a proxy that asks you to sign in, for instance.`,
            'Reload this page, and sign in where you are asked to.',
          ];
  return new ProblemError({ status, code: `http-${status}`, title, detail, next, issues: [], place: null });
}

/** Whether the server itself said so: what something before it answered has the status for a code. */
export function isOwnProblem(error: unknown): boolean {
  return error instanceof ProblemError && !error.problem.code.startsWith('http-');
}

/** Reads a failed response; a body that is no problem document is that of something before the server. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => undefined);
  if (body === undefined) return foreignAnswer(response);
  const record = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  return new ProblemError({
    status: response.status,
    // MLflow's errors have `error_code` and `message`.
    code: text(record.code) || text(record.error_code) || `http-${response.status}`,
    title: text(record.title) || `The server answered ${response.status}`,
    detail: text(record.detail) || text(record.message),
    next: text(record.next) || null,
    issues: Array.isArray(record.issues) ? (record.issues as Problem['issues']) : [],
    place: placeOf(record.filter ?? record),
  });
}

/** Any thrown value as a problem: a failed fetch means that the server cannot be reached. */
export function asProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof TypeError) {
    return {
      status: 0,
      code: 'unreachable',
      title: 'The server does not answer',
      detail: `Nothing answers at ${location.host}.`,
      next: 'Start it with millrace up; this page goes on by itself. If you changed something, look whether it was done.',
      issues: [],
      place: null,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    status: 0,
    code: 'unknown',
    title: 'This panel could not be shown',
    detail: message,
    next: null,
    issues: [],
    place: null,
  };
}

/** What the server refused in the body of a request, by its field (`options.timeoutMs`); empty for any other problem. */
export function fieldProblems(
  error: unknown,
): readonly { readonly field: string; readonly problem: string }[] {
  if (error === null) return [];
  const { code, detail, issues } = asProblem(error);
  if (code !== 'invalid_input') return [];
  if (issues.length > 0)
    return issues.map(({ field, problem }) => ({ field: field.replace(/^body\./, ''), problem }));
  // Of one field alone the detail says both: `cron: "x" is …`.
  const [, field = '', problem = ''] = /^([\w.]+): (.+)$/s.exec(detail) ?? [];
  return field === '' ? [] : [{ field, problem }];
}

/** What was refused of a form by its fields, and what is left to say below them. */
type Refusal<F extends string> = {
  readonly at: Partial<Record<F, string>>;
  /** The error itself where it is about something that has no field here; else null. */
  readonly rest: unknown;
};

/** Tells what was refused at the fields of a form, which are named as the API names them. */
export function refusalAt<F extends string>(error: unknown, fields: readonly F[]): Refusal<F> {
  const problems = fieldProblems(error);
  const told = problems.flatMap(({ field, problem }) => {
    const known = fields.find((each) => each === field);
    return known ? [[known, problem] as const] : [];
  });
  const isWhole = told.length > 0 && told.length === problems.length;
  return { at: Object.fromEntries(told) as Partial<Record<F, string>>, rest: isWhole ? null : error };
}

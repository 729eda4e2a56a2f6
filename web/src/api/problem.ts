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

/** Reads a failed response; a body that is no problem document still gives a usable problem. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => null);
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
      next: 'Start it with millrace up; this page goes on by itself.',
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

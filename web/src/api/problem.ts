/** RFC 9457 body as this server writes it. */
export type Problem = {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** What to do next. */
  readonly next: string | null;
  readonly issues: readonly { readonly field: string; readonly problem: string }[];
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

/** Reads a failed response; a body that is no problem document still gives a usable problem. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => null);
  const record = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  return new ProblemError({
    status: response.status,
    code: text(record.code) || `http-${response.status}`,
    title: text(record.title) || `The server answered ${response.status}`,
    detail: text(record.detail),
    next: text(record.next) || null,
    issues: Array.isArray(record.issues) ? (record.issues as Problem['issues']) : [],
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
      next: 'Start it with `make up`; this page goes on by itself.',
      issues: [],
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
  };
}

import { cliErrors } from './errors/cli.ts';
import { dataErrors } from './errors/data.ts';
import type { ErrorEntry } from './errors/error-entry.ts';
import { evaluationErrors } from './errors/evaluation.ts';
import { experimentsErrors } from './errors/experiments.ts';
import { feedbackErrors } from './errors/feedback.ts';
import { governanceErrors } from './errors/governance.ts';
import { loopErrors } from './errors/loop.ts';
import { monitoringErrors } from './errors/monitoring.ts';
import { pipelinesErrors } from './errors/pipelines.ts';
import { platformErrors } from './errors/platform.ts';
import { registryErrors } from './errors/registry.ts';
import { servingErrors } from './errors/serving.ts';
import { servingOperationsErrors } from './errors/serving-operations.ts';

export type { ErrorEntry } from './errors/error-entry.ts';

/**
 * The one catalogue of errors: code, HTTP status, title, message template, next step. Each part's entries are in
 * errors/<part>.ts; docs/errors.md is generated from here.
 */
export const errorCatalogue = {
  ...platformErrors,
  ...dataErrors,
  ...experimentsErrors,
  ...pipelinesErrors,
  ...evaluationErrors,
  ...registryErrors,
  ...servingErrors,
  ...servingOperationsErrors,
  ...feedbackErrors,
  ...monitoringErrors,
  ...governanceErrors,
  ...loopErrors,
  ...cliErrors,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** Whether a text, from another process for instance, is a code of the catalogue. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

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
    const fill = (template: string) =>
      template.replace(/\{(\w+)\}/g, (_, key: string) => String(params[key] ?? ''));
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

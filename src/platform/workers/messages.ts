import { errorMessage } from '../../core/error-message.ts';
import { fail, isErrorCode, MillraceError } from '../../core/errors.ts';

/** A question to every process that shares the work, and whether those that start later must do the same. */
export interface Question {
  readonly topic: string;
  readonly payload: unknown;
  /** Processes that start later are told the last question of each key before they begin. */
  readonly key?: string;
}

/** An error on its way between processes. */
export interface SentError {
  readonly code: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** What a serving process of a group sends to the one that started it. */
export type FromWorker =
  | { readonly type: 'hello' }
  | { readonly type: 'ready'; readonly ready: boolean; readonly url: string | null }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly value: unknown;
      readonly error: SentError | null;
    };

/** What it is sent. */
export type ToWorker =
  | { readonly type: 'welcome'; readonly remembered: readonly Question[] }
  | { readonly type: 'ready'; readonly all: boolean }
  | { readonly type: 'question'; readonly id: number; readonly question: Question }
  | {
      readonly type: 'answers';
      readonly id: number;
      readonly values: readonly unknown[];
      readonly errors: readonly SentError[];
    };

/** An error as the other process can make it again; of an unforeseen one only the message goes over. */
export function sentError(error: unknown): SentError {
  const known = error instanceof MillraceError;
  const message = errorMessage(error);
  return { code: known ? error.code : 'internal', params: known ? error.params : {}, message };
}

/** The error that `sentError` described: of the catalogue where its code is known, else a plain one. */
export function receivedError({ code, params, message }: SentError): Error {
  return isErrorCode(code) && code !== 'internal' ? fail(code, params) : new Error(message);
}

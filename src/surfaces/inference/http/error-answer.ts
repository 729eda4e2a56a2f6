import { fail, MillraceError } from '../../../core/errors.ts';
import { OtherRows } from '../../../platform/runtimes/index.ts';
import { type HttpAnswer, jsonAnswer } from './answer.ts';

const scoringPath = /^(?:\/endpoints\/[^/]+)?\/invocations\/?$/;

/** What MLflow calls INVALID_PARAMETER_VALUE; other mistakes of the caller are BAD_REQUEST. */
const parameterCodes: ReadonlySet<string> = new Set(['input_missing', 'inputs_missing', 'param_invalid']);

/** MLflow's names of what a status says. */
const mlflowCodes: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  409: 'RESOURCE_CONFLICT',
  413: 'BAD_REQUEST',
  429: 'REQUEST_LIMIT_EXCEEDED',
  501: 'NOT_IMPLEMENTED',
  503: 'TEMPORARILY_UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};
const unsupportedMedia = 415;

/**
 * An error in the shape of the protocol that the path belongs to: MLflow's for scoring, `{"error"}` elsewhere. What a
 * model fails with is 400 in MLflow's; its code is `inference_failed` there too, as in the log and the metrics.
 *
 * @param detail whether values of the request and the list of the model's inputs may be told; without it the
 *   answer names the one input that is wrong, what it has to be and what kind of thing came instead
 */
export function errorAnswer(path: string, error: MillraceError, detail: boolean): HttpAnswer {
  const told = detail ? error : withoutPayload(error);
  const message = `${told.message}. ${told.next}`;
  if (!scoringPath.test(path)) return jsonAnswer(error.status, { error: message });
  if (error.status === unsupportedMedia) return { status: 415, body: message, contentType: 'text/plain' };
  // Whatever a model throws: its signature says little of what it can do without, as unseen categories.
  const status = error.code === 'inference_failed' ? 400 : error.status;
  const code = parameterCodes.has(error.code) ? 'INVALID_PARAMETER_VALUE' : mlflowCodes[status];
  // MLflow's clients look for a trace where the data is at fault; there is none to tell.
  const trace = status === 400 ? { stack_trace: '' } : {};
  return jsonAnswer(status, { error_code: code ?? 'INTERNAL_ERROR', message, ...trace });
}

/** The error with what it quotes of the request replaced by its kind, and without lists of the schema. */
export function withoutPayload(error: MillraceError): MillraceError {
  const { code, params } = error;
  switch (code) {
    case 'input_invalid':
      return fail(code, { ...params, value: kindOf(params.value) });
    case 'invalid_time':
      return fail(code, { ...params, value: '…' });
    case 'input_refused':
      return fail(code, { problem: refusal(String(params.problem)) });
    case 'input_missing':
      return fail(code, { ...params, extra: '' });
    case 'input_unexpected':
      return fail(code, { ...params, expected: 'only its inputs' });
    case 'graph_row_refused':
      return fail(code, { ...params, value: 'the value' });
    case 'graph_step_failed':
    case 'graph_step_unavailable':
    case 'graph_step_timeout':
    case 'graph_step_remote_failed':
    case 'graph_step_refused':
      return fail(code, { ...params, problem: ownWords(error, String(params.problem)) });
    case 'inference_failed':
      // Of an answer with other rows it says how many, and no words of the model's code.
      if (error.cause instanceof OtherRows) return error;
      return fail(code, { ...params, problem: exceptionOf(String(params.problem)) });
    case 'remote_failed':
    case 'python_crashed':
    case 'model_restarting':
    case 'stream_broken':
      return fail(code, { ...params, problem: withoutOutput(String(params.problem)) });
    default:
      return error;
  }
}

/** What a step of a graph failed with, told as it would be without the graph. */
function ownWords({ cause }: MillraceError, problem: string): string {
  return cause instanceof MillraceError ? withoutPayload(cause).message : exceptionOf(problem);
}

/** The class of an exception; its words are those of the model's code or runtime, and may quote the request. */
function exceptionOf(problem: string): string {
  return /^[A-Za-z_][\w.]*(?=: )/.exec(problem)?.[0] ?? 'the prediction log has what it said';
}

/** What `python/worker.py` itself refuses: it names the input, and quotes nothing of the request. */
const ownRefusal = /^input "[^"]*" (?:is no time|is no JSON|holds a number that)/;

/** The class of what the model's code threw; what MLflow itself says has none, and repeats the schema and values. */
function refusal(problem: string): string {
  if (ownRefusal.test(problem)) return problem;
  return /^[A-Za-z_][\w.]*(?:Error|Exception)(?=: )/.exec(problem)?.[0] ?? 'its values are not what it takes';
}

/** How a worker ended or what another server answered, without what it printed or said: it may quote any request. */
function withoutOutput(problem: string): string {
  return problem.replace(/^(it ended with (?:signal|exit code) \w+|it answers \d{3}): .*$/s, '$1');
}

/** What sort of value stands in an error's text, which describes missing values, NaN and shapes by name already. */
function kindOf(value: unknown): string {
  const text = String(value);
  if (text === 'missing' || text === 'NaN' || text.startsWith('of shape [')) return text;
  if (text.startsWith('"')) return 'a text';
  if (text.startsWith('[')) return 'a list';
  if (text.startsWith('{')) return 'an object';
  if (text === 'true' || text === 'false') return 'a boolean';
  return Number.isNaN(Number(text)) ? 'something else' : 'a number that does not fit';
}

import { posix } from 'node:path';
import { fail, type MillraceError } from '../../core/errors.ts';

/**
 * Limits, character sets and message texts of MLflow 3.17 (mlflow/utils/validation.py): clients and their
 * tests rely on each of them.
 */
export const limits = {
  metricsPerBatch: 1000,
  paramsPerBatch: 100,
  tagsPerBatch: 100,
  entitiesPerBatch: 1000,
  keyLength: 250,
  paramValueLength: 6000,
  runTagValueLength: 8000,
  experimentNameLength: 500,
  experimentTagValueLength: 20_000,
  datasetNameLength: 500,
  datasetDigestLength: 36,
  datasetSourceLength: 65_535,
  datasetSchemaLength: 1_048_575,
  datasetProfileLength: 16_777_215,
  inputTagKeyLength: 255,
  inputTagValueLength: 500,
  artifactLocationLength: 2048,
} as const;

/** The error of a value that MLflow calls INVALID_PARAMETER_VALUE, with its text. */
export function invalidParameter(problem: string): MillraceError {
  return fail('tracking_invalid', { problem });
}

/** JSON as Python's json.dumps writes it: non-ASCII characters escaped. */
export function pythonJson(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** JSON with a space after each comma and colon, as Python's json.dumps writes it unless told otherwise. */
export function pythonDumps(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonDumps).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return pythonJson(value);
  const members = Object.entries(value).map(([key, member]) => `${pythonJson(key)}: ${pythonDumps(member)}`);
  return `{${members.join(', ')}}`;
}

/** A number as Python's repr writes a float: `1.0`, `1e-07`, `1e+16`. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= 16 || (value !== 0 && power < -4)) {
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** A string as Python's repr writes it. */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(/[\p{Cc}\u00a0\u00ad]/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}

/** `Invalid value 123 for parameter 'name' supplied: why`. */
export function invalidValue(path: string, value: unknown, message?: string): string {
  const text = `Invalid value ${pythonJson(value)} for parameter '${path}' supplied`;
  return message ? `${text}: ${message}` : `${text}.`;
}

/** Python's posixpath.normpath: like Node's, without the trailing slash. */
function pythonNormpath(name: string): string {
  const norm = posix.normalize(name);
  return norm.length > 1 && norm.endsWith('/') ? norm.slice(0, -1) : norm;
}

function pathNotUnique(name: string): boolean {
  const norm = pythonNormpath(name);
  return norm !== name || norm === '.' || norm.startsWith('..') || norm.startsWith('/');
}

const keyPattern = /^[/\p{L}\p{N}_.\- :]*\n?$/u;

/**
 * Checks the key of a metric, param or tag: its characters, and that it would be one plain path as a file name.
 * Throws `tracking_invalid` naming `path`.
 */
export function checkKey(name: string, path: string): void {
  if (!keyPattern.test(name)) {
    throw invalidParameter(
      invalidValue(
        path,
        name,
        'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).',
      ),
    );
  }
  if (pathNotUnique(name)) throw invalidParameter(invalidValue(path, name, badPathMessage(name)));
}

function badPathMessage(name: string): string {
  return `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to ${pythonRepr(pythonNormpath(name))}`;
}

/** Throws `tracking_invalid` if the text is longer than `limit` characters (code points, as Python counts). */
export function checkLength(name: string, limit: number, value: string): void {
  if (value.length > limit && [...value].length > limit) {
    throw invalidParameter(`'${name}' exceeds the maximum length of ${limit} characters`);
  }
}

/** The first `limit` characters (code points). */
export function truncate(value: string, limit: number): string {
  if (value.length <= limit) return value;
  const characters = [...value];
  return characters.length <= limit ? value : characters.slice(0, limit).join('');
}

/** Throws `tracking_invalid` for a name that is empty or too long, in MLflow’s words. */
export function checkExperimentName(name: string): void {
  if (name === '') throw invalidParameter("Invalid experiment name: ''");
  checkLength('name', limits.experimentNameLength, name);
}

/** Throws `tracking_invalid` for a key or value that MLflow’s server refuses, in its words. */
export function checkExperimentTag(key: string, value: string): void {
  checkKey(key, 'key');
  checkLength('key', limits.keyLength, key);
  checkLength('value', limits.experimentTagValueLength, value);
}

/** Experiment ids are whole numbers written in decimal; an empty id is the default experiment, 0. */
export function parseExperimentId(id: string): number {
  const text = id.trim();
  if (text === '') return 0;
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw invalidParameter(`Invalid experiment ID '${id}'. Experiment ID must be a valid integer.`);
  }
  return value;
}

/**
 * Throws `tracking_invalid` for what can be no run’s id.
 *
 * @param path the field’s name in the message
 */
export function checkRunId(id: string, path = 'run_id'): void {
  if (!/^[a-zA-Z0-9][\w-]{0,255}$/.test(id)) throw invalidParameter(invalidValue(path, id));
}

const modelNameCharacters = ['/', ':', '.', '%', '"', "'"];

/** Throws `tracking_invalid` for a name that is empty or has one of `/ : . % " '`, in MLflow’s words. */
export function checkLoggedModelName(name: string): void {
  if (name === '' || modelNameCharacters.some((c) => name.includes(c))) {
    throw invalidParameter(
      `Invalid model name (${pythonRepr(name)}) provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
    );
  }
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** What is done with a value beyond its limit: it is cut, or refused with `tracking_invalid`. */
export type LongValues = 'cut' | 'refuse';

/** The value within its limit. `name` is what a refusal calls it. */
export function withinLimit(name: string, limit: number, value: string, longValues: LongValues): string {
  if (longValues === 'refuse') checkLength(name, limit, value);
  return truncate(value, limit);
}

/** Checks a run tag and returns it with its value within the limit. `path` is empty for a single tag. */
export function checkedTag(tag: Tag, path: string, longValues: LongValues): Tag {
  const at = (field: string) => (path ? `${path}.${field}` : field);
  checkKey(tag.key, at('key'));
  checkLength(at('key'), limits.keyLength, tag.key);
  return { key: tag.key, value: withinLimit(at('value'), limits.runTagValueLength, tag.value, longValues) };
}

/** Checks a param and returns it with its value within the limit. `path` is empty for a single param. */
export function checkedParam(param: Tag, path: string, longValues: LongValues): Tag {
  checkKey(param.key, path ? `${path}.key` : 'key');
  checkLength('Param key', limits.keyLength, param.key);
  return {
    key: param.key,
    value: withinLimit('Param value', limits.paramValueLength, param.value, longValues),
  };
}

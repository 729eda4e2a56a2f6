import { fail } from '../../../core/errors.ts';
import type { ColumnType, SignatureParam } from '../../../core/model-package.ts';
import { mayBeInexact, parseExactJson, parseWrittenJson } from '../http/json-body.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Throws `param_invalid` for the first param that does not have the type or the dimensions that the model's signature
 * gives it, as MLflow's scoring server refuses it. Params that the signature does not know are let be: the model does
 * not get them. A param that is null is one that has no value, whatever its type.
 */
export function checkParams(
  params: Readonly<Record<string, unknown>>,
  known: readonly SignatureParam[] | undefined,
): void {
  for (const { name, type, list } of known ?? []) {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    if (value === undefined || (value === null && !list)) continue;
    const fits = type === 'object' ? isObject : (v: unknown) => v === null || checks[type](v);
    if (list ? Array.isArray(value) && value.every(fits) : fits(value)) continue;
    const expected = list ? `a list, each ${words[type]}` : words[type];
    throw fail('param_invalid', { param: name, value: kindOf(value), expected });
  }
}

/**
 * What a model gets as its params of a request's parameters: those that its signature knows. Null where there are none.
 * Throws `param_invalid` as checkParams does.
 */
export function paramsOf(parameters: Json, known: readonly SignatureParam[]): Json | null {
  checkParams(parameters, known);
  const given = known.filter(({ name }) => Object.hasOwn(parameters, name));
  return given.length === 0 ? null : Object.fromEntries(given.map(({ name }) => [name, parameters[name]]));
}

/**
 * The params of a body with all digits of their integers. The body is parsed once more where it may hold one that has
 * lost some.
 *
 * @param of where in the body the params are
 */
export function exactParams(body: Buffer, json: Json, of: (body: Json) => unknown): unknown {
  const params = of(json);
  return params !== undefined && mayBeInexact(body) ? of(parseExactJson(body)) : params;
}

/**
 * Throws `param_invalid` for a number like 3.0 as a param that is an integer, which MLflow's server refuses too. The body
 * is parsed once more where it holds such a param.
 *
 * @param of where in the body the params are
 */
export function checkWholeParams(
  body: Buffer,
  params: unknown,
  known: readonly SignatureParam[] | undefined,
  of: (body: Json) => unknown,
): void {
  const whole = known?.filter(({ type }) => type === 'integer' || type === 'long') ?? [];
  if (typeof params !== 'object' || params === null) return;
  if (whole.some(({ name }) => Object.hasOwn(params, name)))
    checkParams(of(parseWrittenJson(body)) as Json, whole);
}

function isWhole(value: unknown): boolean {
  return Number.isInteger(value) || typeof value === 'bigint';
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

const checks: Readonly<Record<ColumnType, (value: unknown) => boolean>> = {
  boolean: (v) => typeof v === 'boolean',
  integer: isWhole,
  long: isWhole,
  float: isNumber,
  double: isNumber,
  string: (v) => typeof v === 'string',
  datetime: (v) => typeof v === 'string' && !Number.isNaN(Date.parse(v)),
  binary: (v) => typeof v === 'string',
};

const words: Readonly<Record<SignatureParam['type'], string>> = {
  boolean: 'true or false',
  integer: 'an integer',
  long: 'an integer',
  float: 'a number',
  double: 'a number',
  string: 'a string',
  datetime: 'a date or time as ISO 8601 has it',
  binary: 'base64 text',
  object: 'an object',
};

/** What came instead: the kind of it, never the value. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a fraction';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

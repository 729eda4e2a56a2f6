import { exact } from '../../core/exact-json.ts';
import { invalidParameter, invalidValue, pythonFloat } from '../../lifecycle/experiments/index.ts';

/** How a request's field is written in MLflow's protos. */
export interface Field {
  /** `json` is taken as it comes. */
  readonly kind: 'string' | 'int' | 'float' | 'bool' | 'strings' | 'objects' | 'object' | 'enum' | 'json';
  readonly required?: boolean;
  /** Names of an enum, which may also come as its number. */
  readonly names?: Readonly<Record<string, number>>;
  /** Fields of the objects. */
  readonly of?: Fields;
  /** The greatest number allowed. */
  readonly max?: number;
  /** Another name under which clients may send it. */
  readonly alias?: string;
}

export type Fields = Readonly<Record<string, Field>>;

type Base<F extends Field> = F['kind'] extends 'string' | 'enum'
  ? string
  : F['kind'] extends 'int' | 'float'
    ? number
    : F['kind'] extends 'bool'
      ? boolean
      : F['kind'] extends 'strings'
        ? readonly string[]
        : F['kind'] extends 'objects'
          ? readonly Input<F['of'] extends Fields ? F['of'] : Fields>[]
          : F['kind'] extends 'json'
            ? unknown
            : Input<F['of'] extends Fields ? F['of'] : Fields>;

/** What a handler gets. Lists that were left out are empty; other fields that were left out are undefined. */
export type Input<F extends Fields> = {
  readonly [K in keyof F]: F[K]['required'] extends true
    ? Base<F[K]>
    : F[K]['kind'] extends 'strings' | 'objects'
      ? Base<F[K]>
      : Base<F[K]> | undefined;
};

const seeDocs = ' See the API docs for more information about request parameters.';

/**
 * Reads a request as MLflow's server does: proto rules for types (numbers may be text, names snake_case or
 * camelCase, unknown fields ignored), then the endpoint's required fields, with its texts.
 * Throws `tracking_invalid`.
 */
export function readFields<F extends Fields>(
  fields: F,
  body: Readonly<Record<string, unknown>>,
  path = '',
): Input<F> {
  const raw = Object.entries(fields).map(
    ([name, field]) => [name, field, present(body, name, field)] as const,
  );
  const isTyped = raw.every(([, field, value]) => value === undefined || accepts(field, value));
  const result: Record<string, unknown> = {};
  for (const [name, field, value] of raw) {
    const at = path ? `${path}.${name}` : name;
    if (field.required && (!isSent(body, name, field) || (value === '' && field.kind !== 'int'))) {
      throw invalidParameter(`Missing value for required parameter '${at}'.${seeDocs}`);
    }
    if (!isTyped && value !== undefined && !accepts(field, value)) throw wrongValue(at, value);
    const read = value === undefined ? undefined : convert(field, value, at);
    if (field.required && field.kind === 'enum' && read === undefined) throw wrongValue(at, value);
    if (field.max !== undefined && typeof read === 'number' && read > field.max) throw wrongValue(at, value);
    const isList = field.kind === 'strings' || field.kind === 'objects';
    if (read !== undefined || isList) result[name] = read ?? [];
  }
  return result as Input<F>;
}

/** Whether the field has its own name or alias in the body: required fields may not be in camelCase. */
function isSent(body: Readonly<Record<string, unknown>>, name: string, field: Field): boolean {
  return (body[name] ?? (field.alias ? body[field.alias] : undefined) ?? undefined) !== undefined;
}

/** Throws `tracking_invalid` for a field that is there under two names. */
function present(body: Readonly<Record<string, unknown>>, name: string, field: Field): unknown {
  const camel = name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());
  if (camel !== name && name in body && camel in body) {
    throw invalidParameter(`Request specifies both '${name}' and '${camel}'; provide only one of them.`);
  }
  const value = body[name] ?? body[camel] ?? (field.alias ? body[field.alias] : undefined);
  return value ?? undefined;
}

function wrongValue(path: string, value: unknown): Error {
  return invalidParameter(
    `${invalidValue(path, value, ` Hint: Value was of type '${pythonType(value)}'.`)}${seeDocs}`,
  );
}

function pythonType(value: unknown): string {
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (value instanceof WrittenFloat) return 'float';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return Array.isArray(value) ? 'list' : 'dict';
}

const integerText = /^[+-]?\d+$/;
const numberText = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
/** Whether text is a whole number, `1.0` and `1e3` too. */
function isIntegerText(text: string): boolean {
  return integerText.test(text) || (numberText.test(text) && Number.isInteger(Number(text)));
}

const infinityText = /^([+-]?)inf(?:inity)?$/i;

/** Text of a float as the proto rules read it, undefined when it is none. */
function floatOf(text: string): number | undefined {
  const trimmed = text.trim();
  if (numberText.test(trimmed)) return Number(trimmed);
  const infinite = infinityText.exec(trimmed);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return trimmed === 'NaN' ? Number.NaN : undefined;
}

/** A float written like `9.0`, which JSON.parse gives as a whole number: texts of errors show it as written. */
export class WrittenFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  toJSON(): unknown {
    return exact(pythonFloat(this.value));
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WrittenFloat)
  );
}

function accepts(field: Field, given: unknown): boolean {
  const isNumeric = field.kind === 'int' || field.kind === 'float';
  const value = isNumeric && given instanceof WrittenFloat ? given.value : given;
  switch (field.kind) {
    case 'string':
      return typeof value === 'string';
    case 'int':
      return Number.isInteger(value) || (typeof value === 'string' && isIntegerText(value));
    case 'float':
      return (
        typeof value === 'number' ||
        typeof value === 'boolean' ||
        (typeof value === 'string' && floatOf(value) !== undefined)
      );
    case 'bool':
      return typeof value === 'boolean';
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'objects':
      return Array.isArray(value) && value.every(isObject);
    case 'object':
      return isObject(value);
    case 'json':
      return true;
    case 'enum':
      return typeof value !== 'object';
  }
}

function enumName(field: Field, value: unknown): string | undefined {
  const names = Object.entries(field.names ?? {});
  const number = typeof value === 'string' && integerText.test(value) ? Number(value) : value;
  return names.find(([name, code]) => name === value || code === number)?.[0];
}

function convert(field: Field, given: unknown, path: string): unknown {
  const value = given instanceof WrittenFloat ? given.value : given;
  switch (field.kind) {
    case 'int':
      return Number(value);
    case 'float':
      return typeof value === 'string' ? floatOf(value) : Number(value);
    case 'enum':
      return enumName(field, value);
    case 'objects':
      return (value as Readonly<Record<string, unknown>>[]).map((item, i) =>
        readFields(field.of ?? {}, item, `${path}[${i}]`),
      );
    case 'object':
      return readFields(field.of ?? {}, value as Readonly<Record<string, unknown>>, path);
    default:
      return value;
  }
}

/** Query parameters in the shape of a body: repeated fields as lists, booleans from their names. */
export function queryBody(
  fields: Fields,
  query: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const body: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    for (const key of field.alias ? [name, field.alias] : [name]) {
      const value = query[key];
      if (value === undefined) continue;
      if (field.kind === 'strings') body[key] = Array.isArray(value) ? value : [value];
      else if (field.kind === 'bool') body[key] = booleanOf(String(Array.isArray(value) ? value[0] : value));
      else body[key] = Array.isArray(value) ? value[0] : value;
    }
  }
  return body;
}

function booleanOf(text: string): boolean {
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  throw invalidParameter(`Invalid boolean value: ${text}, must be 'true' or 'false'.`);
}

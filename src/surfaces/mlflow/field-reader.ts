import type { Field, Fields, Input } from './fields.ts';

type Body = Readonly<Record<string, unknown>>;

/** Reads a body in the plain form that clients send, or gives undefined: then `readFields` has to look closer. */
export type FieldReader<F extends Fields> = (body: Body) => Input<F> | undefined;

interface PlainField {
  readonly name: string;
  /** The same in camelCase, where that differs. */
  readonly camel: string | null;
  readonly alias: string | null;
  readonly field: Field;
  readonly isList: boolean;
  /** Reads the objects of a list or field. */
  readonly nested: FieldReader<Fields> | null;
  /** The fields of these objects, when they hold nothing but single values under one name. */
  readonly flat: readonly PlainField[] | null;
}

const notPlain = Symbol('not plain');

/** Prepares reading of an endpoint's fields, once for all requests: a batch may hold thousands of values. */
export function fieldReader<F extends Fields>(fields: F): FieldReader<F> {
  const plain = Object.entries(fields).map(([name, field]) => plainField(name, field));
  return (body) => {
    const result: Record<string, unknown> = {};
    for (const part of plain) {
      const { name, camel, alias, field } = part;
      let value = body[name];
      if (camel !== null && body[camel] !== undefined) return undefined;
      if (alias !== null) value ??= body[alias];
      if (value === undefined || value === null) {
        if (field.required) return undefined;
        if (part.isList) result[name] = [];
        continue;
      }
      const read = plainValue(part, value);
      if (read === notPlain) return undefined;
      result[name] = read;
    }
    return result as Input<F>;
  };
}

function plainField(name: string, field: Field): PlainField {
  const camel = name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());
  return {
    name,
    camel: camel === name ? null : camel,
    alias: field.alias ?? null,
    field,
    isList: field.kind === 'strings' || field.kind === 'objects',
    nested: field.of ? fieldReader(field.of) : null,
    flat: field.of ? flatFields(field.of) : null,
  };
}

function flatFields(fields: Fields): readonly PlainField[] | null {
  const plain = Object.entries(fields).map(([name, field]) => plainField(name, field));
  return plain.every((part) => part.alias === null && !part.isList && part.nested === null) ? plain : null;
}

function plainValue({ field, nested, flat }: PlainField, value: unknown): unknown {
  switch (field.kind) {
    case 'string':
      return typeof value === 'string' && !(field.required && value === '') ? value : notPlain;
    case 'int':
      return Number.isInteger(value) && (value as number) <= (field.max ?? Number.MAX_SAFE_INTEGER)
        ? value
        : notPlain;
    case 'float':
      return typeof value === 'number' && field.max === undefined ? value : notPlain;
    case 'bool':
      return typeof value === 'boolean' ? value : notPlain;
    case 'objects':
      if (flat !== null && Array.isArray(value) && areFlat(flat, value)) return value;
      return nested ? plainObjects(nested, value) : notPlain;
    case 'object':
      return nested && isObject(value) ? (nested(value) ?? notPlain) : notPlain;
    default:
      return notPlain;
  }
}

function plainObjects(nested: FieldReader<Fields>, value: unknown): unknown {
  if (!Array.isArray(value)) return notPlain;
  const objects: unknown[] = [];
  for (const item of value) {
    const object = isObject(item) ? nested(item) : undefined;
    if (object === undefined) return notPlain;
    objects.push(object);
  }
  return objects;
}

/**
 * Whether objects can be taken as they are: their fields are plain values under their own names. Spares a copy of
 * each of the thousand metrics of a batch.
 */
function areFlat(fields: readonly PlainField[], items: readonly unknown[]): boolean {
  for (const item of items) {
    if (!isObject(item)) return false;
    for (const part of fields) {
      const value = item[part.name];
      if (part.camel !== null && part.camel in item) return false;
      if (value === undefined) {
        if (part.field.required) return false;
      } else if (plainValue(part, value) === notPlain) {
        return false;
      }
    }
  }
  return true;
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

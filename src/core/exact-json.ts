/**
 * JSON whose numbers keep every digit: epoch nanoseconds and 64-bit integers do not fit into a number. A number
 * is an object that `JSON.stringify` writes as the digits it was read with.
 */
interface ExactNumber {
  readonly rawJSON: string;
}

interface RawJson {
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
}
/** Node has these functions; the types that come with TypeScript do not know them yet. */
const raw: RawJson = Object(JSON);

/** A number by its JSON text, for instance `1795263344650071313`. */
export function exact(text: string): ExactNumber {
  return raw.rawJSON(text);
}

/** Whether a value is a number of `parseExact` or of the functions here. */
export function isExact(value: unknown): value is ExactNumber {
  return raw.isRawJSON(value);
}

/** A 64-bit integer by its digits. */
export function exactInteger(text: string): ExactNumber {
  return exact(text.replace(/^(-?)0+(?=\d)/, '$1'));
}

/** A floating-point number, which keeps its point when it is whole; what JSON has no digits for stays a number. */
export function exactDouble(value: number): ExactNumber | number {
  if (!Number.isFinite(value)) return value;
  const text = String(Object.is(value, -0) ? '-0' : value);
  return exact(/^-?\d+$/.test(text) ? `${text}.0` : text);
}

/** Parses JSON with exact numbers. Throws `SyntaxError`. */
export function parseExact(text: string): unknown {
  return raw.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? exact(source) : value,
  );
}

/** JSON of a value whose integers beyond 2^53 are BigInt, with all their digits. */
export function jsonOfBigInts(value: unknown): string {
  return JSON.stringify(value, (_key, item) =>
    typeof item === 'bigint' ? exactInteger(String(item)) : item,
  );
}

/**
 * JSON as Python's `json.dumps(value, ensure_ascii=False)` writes it: a space after commas and colons, and NaN and
 * infinities as bare words. Filters of MLflow look for such text.
 */
export function pythonDumps(value: unknown): string {
  if (isExact(value)) return value.rawJSON;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(pythonDumps).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([key, item]) => `${JSON.stringify(key)}: ${pythonDumps(item)}`,
    );
    return `{${entries.join(', ')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

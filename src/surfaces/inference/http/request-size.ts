import { malformed } from '../request-context.ts';

/**
 * Rows and texts of a request, however small they are: each costs memory of its own beyond its bytes (an id, a line of
 * the log; an object), so that a body well within its limit could exhaust the process.
 */
const mostRows = 100_000;
const mostTexts = 2_000_000;
/** Lists that a tensor without values may consist of: one of shape [n, 0] is n empty lists. */
const mostEmptyLists = 100_000;
/** Values of a JSON body, and how many of them a list or an object counts for: parsed, they take memory of their own. */
const mostJsonValues = 16_000_000;
const valuesOfList = 4;
/** Bodies that are shorter hold too few to matter. */
const leastJsonBytes = 1_000_000;

/** Throws `request_malformed` when a request has too many rows. */
export function checkRowCount(rowCount: number): void {
  if (rowCount > mostRows) {
    throw malformed(
      `a request may have ${mostRows} rows, this one has ${rowCount}; send several, or a batch`,
    );
  }
}

/**
 * Throws `request_malformed` when an input has too many texts.
 *
 * @param what says of what in the error
 */
export function checkTextCount(what: string, count: number): void {
  if (count > mostTexts) {
    throw malformed(`${what} has ${count} texts; a request may have ${mostTexts}`);
  }
}

/**
 * Throws `request_malformed` when a JSON body has too many values for the memory that they take once they are read.
 *
 * @param body JSON, which may be broken
 * @param others values that were cut out of it
 */
export function checkJsonValues(body: Buffer, others = 0): void {
  if (body.length < leastJsonBytes && others === 0) return;
  let count = others;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === comma) count++;
    else if (byte === list || byte === object) count += valuesOfList;
    else if (byte === quote) at = endOfText(body, at);
  }
  if (count <= mostJsonValues) return;
  throw malformed(
    `the JSON has ${count} values, where a list or an object counts for ${valuesOfList}; a request may have ${mostJsonValues}: send tensors as bytes (Inference-Header-Content-Length), or several requests`,
  );
}

const comma = 0x2c;
const list = 0x5b;
const object = 0x7b;
const quote = 0x22;
const backslash = 0x5c;

/** Where the text that starts at `from` has its closing quote; the end of the body where it has none. */
function endOfText(body: Buffer, from: number): number {
  let at = from + 1;
  while (at < body.length && body[at] !== quote) at += body[at] === backslash ? 2 : 1;
  return at;
}

/** Lists and objects in each other that a param may be: a model gets it as JSON, which is read and written by recursion. */
const deepestParam = 100;

/** Throws `request_malformed` when a param is nested deeper than any model would have it. */
export function checkParamNesting(params: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(params)) {
    if (isDeeper(value, deepestParam)) {
      throw malformed(
        `the param ${JSON.stringify(name.slice(0, 60))} is nested deeper than ${deepestParam} lists or objects`,
      );
    }
  }
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((member) => isDeeper(member, depth - 1));
}

/**
 * Throws `request_malformed` when a tensor cannot have its shape: it names more values than there can be, or it has no
 * values and is a great many empty lists.
 *
 * @param name of the input
 * @param shape sizes of 0 or more
 */
export function checkShapeSize(name: string, shape: readonly number[]): void {
  const size = shape.reduce((product, d) => product * Math.max(1, d), 1);
  const told = `input "${name}": its shape [${shape.join(', ')}]`;
  if (shape.includes(0)) {
    if (size <= mostEmptyLists) return;
    throw malformed(
      `${told} has no values, and more than ${mostEmptyLists} empty lists: its sizes but 0 may be ${mostEmptyLists} together`,
    );
  }
  if (size <= Number.MAX_SAFE_INTEGER) return;
  throw malformed(
    `${told} causes total element count to exceed maximum size of ${Number.MAX_SAFE_INTEGER} (byte size overflow for input)`,
  );
}

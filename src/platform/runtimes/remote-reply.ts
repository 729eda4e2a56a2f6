import { z } from 'zod';
import { firstIssue } from '../../core/issue-text.ts';
import type { ElementType, PackageManifest } from '../../core/model-package.ts';
import type { OutputTensor } from '../onnx/index.ts';
import type { RemoteReply } from './oip-client.ts';
import { datatypeOf, kindOf, type TensorKind, tensorValues } from './tensor-bytes.ts';

/** Says how many of the first bytes of a body are JSON; raw tensors follow. */
export const jsonBytesHeader = 'inference-header-content-length';

/** What another server may answer; of further members none is read. */
const replySchema = z.object({
  outputs: z.array(
    z.object({
      name: z.string(),
      datatype: z.string(),
      shape: z.array(z.int().min(0)),
      parameters: z.object({ binary_data_size: z.int().min(0).optional() }).nullish(),
      data: z.unknown().optional(),
    }),
  ),
});

/** Reads an answer, in JSON or with raw tensors after it. Throws what `broken` makes for one that contradicts itself. */
export function decodeReply(
  { headers, body }: Pick<RemoteReply, 'headers' | 'body'>,
  rowCount: number,
  whole: boolean,
  broken: (problem: string) => Error,
): readonly OutputTensor[] {
  const jsonBytes = Number(headers[jsonBytesHeader] ?? body.length);
  let at = jsonBytes;
  try {
    const parsed = replySchema.safeParse(parseExactly(body.toString('utf8', 0, jsonBytes)));
    if (!parsed.success) throw new Error(firstIssue(parsed.error, 'it'));
    const { outputs } = parsed.data;
    return outputs.map(({ name, datatype, shape, parameters, data }) => {
      const kind = kindOf(datatype);
      if (!kind) throw new Error(`output "${name}" is ${datatype}`);
      const count = shape.reduce((product, d) => product * d, 1);
      const rawBytes = parameters?.binary_data_size;
      let values: ArrayLike<unknown>;
      if (rawBytes === undefined) values = Array.isArray(data) ? data.flat(Number.POSITIVE_INFINITY) : [data];
      else {
        values = tensorValues(kind, body.subarray(at, at + rawBytes), count);
        at += rawBytes;
      }
      if (values.length !== count)
        throw new Error(`output "${name}" has ${values.length} values for [${shape}]`);
      const typed = rawBytes === undefined ? typedValues(name, datatype, kind, values) : values;
      if (!whole && shape[0] !== rowCount)
        throw new Error(`output "${name}" has ${shape[0]} rows for ${rowCount}`);
      const width = rowCount === 0 ? 0 : count / rowCount;
      const rows = whole ? [rowCount, ...shape] : shape;
      return { name, ...kind, shape: rows, width, data: typed as OutputTensor['data'] };
    });
  } catch (cause) {
    throw broken(`its answer cannot be read: ${(cause as Error).message}`);
  }
}

/**
 * Compares an answer with what the server said of its model. Some servers give fewer outputs than they tell of, unless
 * they are asked for each. Throws what `broken` makes for an answer with none of them, with one twice, and for text where
 * numbers were told, or the other way round.
 */
export function requireOutputs(
  { graph }: Pick<PackageManifest, 'graph'>,
  outputs: readonly OutputTensor[],
  broken: (problem: string) => Error,
): void {
  const told = new Map(graph.outputs.map((output) => [output.name, output]));
  const seen = new Set<string>();
  for (const output of outputs) {
    const { name } = output;
    if (seen.has(name)) throw broken(`it has output "${name}" twice`);
    seen.add(name);
    const said = told.get(name);
    if (said && (said.type === 'string') !== (output.type === 'string'))
      throw broken(`output "${name}" is ${datatypeOf(output)}, its metadata say ${datatypeOf(said)}`);
  }
  if (told.size > 0 && !graph.outputs.some(({ name }) => seen.has(name)))
    throw broken(`it has none of the outputs that its metadata tell of (${[...told.keys()].join(', ')})`);
}

/** JSON whose integers beyond 2^53 are BigInt. */
function parseExactly(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const exact = (_key: string, value: unknown, { source }: { readonly source?: string }) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
      ? BigInt(source as string)
      : value;
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
}

/** What the whole numbers of a type lie between. */
const ranges: Partial<Record<ElementType, readonly [number | bigint, number | bigint]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
  int32: [-2_147_483_648, 2_147_483_647],
  uint32: [0, 4_294_967_295],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Values in JSON as their tensor holds them. Throws for one that is not of its datatype; null is a missing real number. */
function typedValues(
  name: string,
  datatype: string,
  { type }: TensorKind,
  values: ArrayLike<unknown>,
): ArrayLike<unknown> {
  const range = ranges[type];
  const isReal = type === 'float' || type === 'double';
  const fits = (value: unknown): boolean => {
    if (range) {
      const isWhole = typeof value === 'bigint' || Number.isInteger(value);
      return isWhole && (value as number) >= range[0] && (value as number) <= range[1];
    }
    if (isReal) return value === null || typeof value === 'number' || typeof value === 'bigint';
    return typeof value === (type === 'string' ? 'string' : 'boolean');
  };
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (fits(value)) continue;
    const given = value === null ? 'null' : typeof value;
    const shown = given === 'number' || given === 'bigint' ? String(value) : `a ${given}`;
    throw new Error(`output "${name}" is ${datatype} and has ${shown}`);
  }
  if (type === 'int64') return BigInt64Array.from(values as ArrayLike<number>, BigInt);
  if (type === 'uint64') return BigUint64Array.from(values as ArrayLike<number>, BigInt);
  return isReal ? Array.from(values, (value) => (value === null ? Number.NaN : Number(value))) : values;
}

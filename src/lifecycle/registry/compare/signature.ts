import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { ColumnDifference } from '../contract/compare.ts';
import type { Signature } from '../contract.ts';
import { type Differences, differencesOf } from './differences.ts';

/** Columns in words, by side and name: `input x` → `double`. */
export type Columns = ReadonlyMap<string, string>;

const mlflowColumnSchema = z.looseObject({
  name: z.string().optional(),
  type: z.unknown(),
  required: z.boolean().default(true),
  'tensor-spec': z.object({ dtype: z.string(), shape: z.array(z.number()) }).optional(),
});

const mlmodelSchema = z.looseObject({
  signature: z.looseObject({ inputs: z.string().nullish(), outputs: z.string().nullish() }).nullish(),
});

/** The columns of a packaged model's signature. */
export function columnsOf(signature: Signature): Columns {
  const side = (name: 'input' | 'output', fields: Signature['inputs']) =>
    fields.map(
      (field) => [`${name} ${field.name}`, inWords(field.type, field.shape, field.required)] as const,
    );
  return new Map([...side('input', signature.inputs), ...side('output', signature.outputs)]);
}

/** The columns of the signature in a file MLmodel; undefined when it has none or cannot be read. */
export function columnsOfMlmodel(text: string): Columns | undefined {
  try {
    const { signature } = mlmodelSchema.parse(parseYaml(text));
    if (!signature) return undefined;
    return new Map([...written('input', signature.inputs), ...written('output', signature.outputs)]);
  } catch {
    return undefined;
  }
}

function written(side: 'input' | 'output', json: string | null | undefined) {
  const columns = json ? z.array(mlflowColumnSchema).parse(JSON.parse(json)) : [];
  return columns.map((column, i) => {
    const { name = `#${i}`, type, required, 'tensor-spec': tensor } = column;
    const plain = typeof type === 'string' ? type : JSON.stringify(type);
    const words = tensor ? inWords(tensor.dtype, tensor.shape, required) : inWords(plain, [], required);
    return [`${side} ${name}`, words] as const;
  });
}

function inWords(type: string, shape: readonly number[], isRequired: boolean): string {
  const sized = shape.length > 0 ? `${type} [${shape.join(', ')}]` : type;
  return isRequired ? sized : `${sized}, optional`;
}

/** Columns that one side lacks, or whose types differ. */
export function compareColumns(from: Columns, to: Columns): Differences<ColumnDifference> {
  const { differing, sameCount } = differencesOf(from, to);
  return {
    sameCount,
    differing: differing.map(({ key, ...pair }) => {
      const space = key.indexOf(' ');
      const side = key.slice(0, space) === 'input' ? 'input' : 'output';
      const change = pair.from === null ? 'added' : pair.to === null ? 'removed' : 'changed';
      return { side, name: key.slice(space + 1), change, ...pair };
    }),
  };
}

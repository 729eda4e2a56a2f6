import { z } from 'zod';

/** A type of MLflow's signatures as MLmodel writes it: a word, or one that has others inside. */
interface NestedType {
  readonly type: string;
  readonly required?: boolean | undefined;
  readonly items?: NestedType | undefined;
  readonly properties?: Readonly<Record<string, NestedType>> | undefined;
}

const nestedSchema: z.ZodType<NestedType> = z.lazy(() =>
  z.object({
    type: z.string(),
    required: z.boolean().optional(),
    items: nestedSchema.optional(),
    properties: z.record(z.string(), nestedSchema).optional(),
  }),
);
const columnsSchema = z.array(nestedSchema.and(z.object({ name: z.string().default('input') })));

/** Values that say nothing, by type; a map has no members, and `any` may be a text. */
const nothing: Readonly<Record<string, unknown>> = {
  boolean: false,
  integer: 0,
  long: 0,
  float: 0,
  double: 0,
  datetime: '1970-01-01T00:00:00Z',
};

/**
 * An input example for a model with nested inputs that was logged without one: a row of what must be there, with nothing
 * in it (`{"messages": [{"role": "", "content": ""}]}`), as text. Null where the inputs are no columns.
 *
 * @param inputs the signature's inputs as MLmodel has them
 */
export function emptyExample(inputs: string): string | null {
  const parsed = columnsSchema.safeParse(JSON.parse(inputs));
  return parsed.success ? JSON.stringify(required(parsed.data.map((c) => [c.name, c]))) : null;
}

function required(members: readonly (readonly [string, NestedType])[]): Record<string, unknown> {
  const needed = members.filter(([, member]) => member.required !== false);
  return Object.fromEntries(needed.map(([name, member]) => [name, emptyOf(member)]));
}

function emptyOf({ type, items, properties }: NestedType): unknown {
  if (type === 'array') return items ? [emptyOf(items)] : [];
  if (type === 'object') return required(Object.entries(properties ?? {}));
  if (type === 'map') return {};
  return nothing[type] ?? '';
}

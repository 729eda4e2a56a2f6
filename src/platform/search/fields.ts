import { tokensOf } from './lexer.ts';
import { misplaced } from './problem.ts';

/** Which keys of metrics, params and tags are wanted: all of a kind, or a set of them. */
export interface FieldMask {
  readonly metrics: 'all' | ReadonlySet<string>;
  readonly params: 'all' | ReadonlySet<string>;
  readonly tags: 'all' | ReadonlySet<string>;
}

const kinds: Readonly<Record<string, keyof FieldMask>> = {
  metric: 'metrics',
  metrics: 'metrics',
  param: 'params',
  params: 'params',
  parameter: 'params',
  parameters: 'params',
  tag: 'tags',
  tags: 'tags',
};

/**
 * Reads a list such as `` metrics.loss, params.`learning rate`, tags, name ``. Names of the thing's own fields
 * ask for nothing more, since those are always given. Throws `filter_invalid` at what is no list of names.
 */
export function parseFields(text: string | undefined): FieldMask {
  if (text === undefined) return { metrics: 'all', params: 'all', tags: 'all' };
  const mask = { metrics: new Set<string>(), params: new Set<string>(), tags: new Set<string>() };
  const all = new Set<keyof FieldMask>();
  const tokens = tokensOf(text);
  for (let i = 0; tokens[i]?.kind !== 'end'; i++) {
    const token = tokens[i];
    if (token?.kind !== 'name') {
      throw misplaced(text, token ?? { position: 0, length: 0 }, 'Not a name', [
        'metrics.loss',
        'params.lr',
        'tags',
      ]);
    }
    const [first, ...rest] = token.parts;
    const kind = first && Object.hasOwn(kinds, first.text) ? kinds[first.text] : undefined;
    if (kind && rest.length === 0) all.add(kind);
    else if (kind) mask[kind].add(rest.map((part) => part.text).join('.'));
    const after = tokens[i + 1];
    if (after?.kind === 'end') break;
    if (after?.kind !== 'symbol' || after.text !== ',') {
      throw misplaced(text, after ?? token, 'Names are separated by commas', ['a comma', 'the end']);
    }
    i++;
  }
  const given = (kind: keyof FieldMask) => (all.has(kind) ? ('all' as const) : mask[kind]);
  return { metrics: given('metrics'), params: given('params'), tags: given('tags') };
}

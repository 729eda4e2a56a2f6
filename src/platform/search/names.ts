import { type NamePart, tokensOf } from './lexer.ts';
import { misplaced } from './problem.ts';

/** A name of a list, as it is written, and its parts between the dots. */
interface ListedName {
  readonly text: string;
  readonly parts: readonly NamePart[];
}

/** Reads names separated by commas: `` name, metrics.loss, params.`a, b` ``. Throws `filter_invalid`. */
export function listedNames(text: string): readonly ListedName[] {
  const names: ListedName[] = [];
  const tokens = tokensOf(text);
  for (let i = 0; tokens[i]?.kind !== 'end'; i += 2) {
    const [name, comma] = [tokens[i], tokens[i + 1]];
    if (name?.kind !== 'name') {
      throw misplaced(text, name ?? { position: 0, length: 0 }, 'Not a name', [
        'metrics.loss',
        'params.lr',
        'name',
      ]);
    }
    const { position, length, parts } = name;
    names.push({ text: text.slice(position, position + length), parts });
    if (comma?.kind === 'end') break;
    if (comma?.kind !== 'symbol' || comma.text !== ',') {
      throw misplaced(text, comma ?? name, 'Names are separated by commas', ['a comma', 'the end']);
    }
  }
  return names;
}

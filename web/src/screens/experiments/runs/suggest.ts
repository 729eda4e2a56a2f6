/** What could be typed next in a filter. Pure. */

type Typing =
  | { readonly kind: 'metric' | 'param' | 'tag'; readonly typed: string; readonly from: number }
  | { readonly kind: 'word'; readonly typed: string; readonly from: number };

const WORDS = [
  'metrics.',
  'params.',
  'tags.',
  'attributes.status',
  'attributes.run_name',
  'attributes.start_time',
  'attributes.user_id',
  'duration',
  'age',
  'AND',
  'OR',
  'NOT',
] as const;

/** What the text before the caret is the beginning of; null inside a value or where nothing is being typed. */
export function typingAt(text: string, caret: number): Typing | null {
  const before = text.slice(0, caret);
  // Inside quotes of a value there is nothing to complete.
  if ((before.match(/'/g)?.length ?? 0) % 2 === 1) return null;
  const key = /\b(metric|param|tag)s?\.(?:`([^`]*)|([\w/.-]*))$/i.exec(before);
  if (key) {
    const typed = key[2] ?? key[3] ?? '';
    const kind = (key[1] ?? '').toLowerCase() as 'metric' | 'param' | 'tag';
    return { kind, typed, from: caret - typed.length - (key[2] === undefined ? 0 : 1) };
  }
  const word = /(?:^|[\s(])([A-Za-z_.]+)$/.exec(before);
  return word?.[1] ? { kind: 'word', typed: word[1], from: caret - word[1].length } : null;
}

/** Words of the grammar that begin with what is typed; none when it is whole already. */
export function wordsFor(typed: string): readonly string[] {
  const start = typed.toLowerCase();
  return WORDS.filter((word) => word.toLowerCase().startsWith(start) && word.toLowerCase() !== start);
}

/** The text with `from..caret` replaced, and where the caret is then. */
export function complete(
  text: string,
  from: number,
  caret: number,
  insert: string,
): { readonly text: string; readonly caret: number } {
  const after = text.slice(caret).replace(/^`/, '');
  const gap = insert.endsWith('.') || /^\s/.test(after) ? '' : ' ';
  return { text: text.slice(0, from) + insert + gap + after, caret: from + insert.length + gap.length };
}

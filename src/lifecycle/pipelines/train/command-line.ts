import { fail } from '../../../core/errors.ts';

type ParamValue = string | number | boolean;

/** What a command line may say `${data}` for: the path of the training rows. */
const dataName = 'data';

/**
 * Makes the words of a training command. `${data}` is the path of the training rows, `${name}` a parameter;
 * parameters that the command does not name are added as `--name value`. There is no shell: quotes group words,
 * and that is all.
 *
 * Throws `train_command_invalid` on an empty command, an open quote, an unknown `${name}`, or shell operators.
 */
export function commandLine(
  run: string,
  params: Readonly<Record<string, ParamValue>>,
  dataPath: string,
): readonly string[] {
  const named = new Set<string>();
  const fill = (word: string) =>
    word.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      named.add(name);
      if (name === dataName) return dataPath;
      const value = params[name];
      if (value === undefined) {
        const known = [dataName, ...Object.keys(params)].map((key) => `\${${key}}`).join(', ');
        throw fail('train_command_invalid', { problem: `\${${name}} is not known; there are ${known}` });
      }
      return String(value);
    });
  const words = splitWords(run).map(fill);
  if (words.length === 0) throw fail('train_command_invalid', { problem: 'it is empty' });
  const rest = Object.entries(params).filter(([name]) => !named.has(name));
  return [...words, ...rest.flatMap(([name, value]) => [`--${name}`, String(value)])];
}

/** Splits at blanks outside quotes. A backslash stands for the next character, except in single quotes. */
function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (quote) {
      if (c === quote) quote = undefined;
      else if (c === '\\' && quote === '"' && i + 1 < text.length) word = (word ?? '') + text[++i];
      else word = (word ?? '') + c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (/[|&;<>`]/.test(c)) {
      const problem = `"${c}" would need a shell; put it into a script and run that`;
      throw fail('train_command_invalid', { problem });
    } else if (c === '\\' && i + 1 < text.length) word = (word ?? '') + text[++i];
    else word = (word ?? '') + c;
  }
  if (quote) throw fail('train_command_invalid', { problem: `the quote ${quote} is not closed` });
  if (word !== undefined) words.push(word);
  return words;
}

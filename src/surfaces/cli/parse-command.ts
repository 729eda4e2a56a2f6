import { nearestName } from '../../core/nearest-name.ts';
import { type CommandArguments, type CommandSpec, commonOptions, UsageError } from './command.ts';

/**
 * Checks the words of a call against the command's spec. Options may stand anywhere, as `--name value` or
 * `--name=value`; after `--` everything is a positional.
 *
 * @throws UsageError that names the word, what is wrong with it, and what was probably meant
 */
export function parseCommand(spec: CommandSpec, words: readonly string[]): CommandArguments {
  const options = { ...spec.options, ...commonOptions };
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  let onlyPositionals = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (onlyPositionals || !word.startsWith('-') || word === '-') {
      positionals.push(word);
      continue;
    }
    if (word === '--') {
      onlyPositionals = true;
      continue;
    }
    const [flag = '', inline] = (word === '-h' ? '--help' : word).split(/=(.*)/s, 2);
    const name = flag.replace(/^--?/, '');
    const option = flag.startsWith('--') ? options[name] : undefined;
    if (!option) throw unknownOption(spec, flag, Object.keys(options));
    if (option.value === undefined) {
      if (inline !== undefined) throw new UsageError(`--${name} is a switch and takes no value`, spec);
      given.set(name, ['true']);
      continue;
    }
    const value = inline ?? words[++i];
    if (value === undefined || (inline === undefined && value.startsWith('--'))) {
      throw new UsageError(`--${name} needs a value: --${name} ${option.value}`, spec);
    }
    if (given.has(name) && !option.repeat) throw new UsageError(`--${name} is given twice`, spec);
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  if (!given.has('help')) checkComplete(spec, positionals, given);
  const option = (name: string): string | undefined => given.get(name)?.[0];
  return {
    at: (index) => positionals[index] ?? '',
    option,
    needed: (name) => option(name) ?? '',
    all: (name) => given.get(name) ?? [],
    has: (name) => given.has(name),
  };
}

function checkComplete(
  spec: CommandSpec,
  positionals: readonly string[],
  given: ReadonlyMap<string, readonly string[]>,
): void {
  const missing = spec.positionals.slice(positionals.length).find((name) => name.startsWith('<'));
  if (missing) throw new UsageError(`${missing} is missing`, spec);
  const extra = positionals[spec.positionals.length];
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`, spec);
  for (const [name, option] of Object.entries(spec.options)) {
    if (option.required && !given.get(name)?.[0]?.trim()) {
      throw new UsageError(`--${name} is missing: ${option.summary}`, spec);
    }
  }
}

function unknownOption(spec: CommandSpec, flag: string, names: readonly string[]): UsageError {
  const guess = nearestName(flag.replace(/^-+/, ''), names);
  const hint = guess ? `did you mean --${guess}?` : `it takes ${names.map((n) => `--${n}`).join(', ')}`;
  return new UsageError(`${flag} is no option of "${spec.name}"; ${hint}`, spec);
}

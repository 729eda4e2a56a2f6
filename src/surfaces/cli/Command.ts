import type { ControlClient } from '../../platform/client/index.ts';
import type { Output } from './Output.ts';

/** Options of a command as they were given: `--reason why`, or a flag alone. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

export interface CommandContext {
  readonly client: ControlClient;
  readonly output: Output;
  /** Words behind the command's name. */
  readonly words: readonly string[];
  readonly options: Options;
}

export interface Command {
  readonly name: string;
  /** Words and options as they are typed, e.g. `<loop> --reason WHY`. */
  readonly usage: string;
  readonly summary: string;
  /** Options beside `--url`, `--as` and `--json`: with a value (`string`) or alone (`boolean`). */
  readonly options: Readonly<Record<string, 'string' | 'boolean'>>;
  /** Fewest and most words. */
  readonly words: readonly [number, number];
  run(context: CommandContext): Promise<void>;
}

/** Somebody typed something that a command cannot be run with. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The value of an option that must be there. */
export function required(options: Options, name: string, example: string): string {
  const value = options[name];
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new UsageError(`--${name} is missing, e.g. --${name} "${example}"`);
}

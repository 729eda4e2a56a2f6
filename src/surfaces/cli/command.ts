import type { Api } from './api.ts';

/** An option of a command, without its dashes. */
export interface OptionSpec {
  readonly summary: string;
  /** What stands for its value in help (`<text>`); an option without one is a switch. */
  readonly value?: string;
  readonly required?: boolean;
  /** May be given several times. */
  readonly repeat?: boolean;
}

/** A command as the table of commands lists it; its code is loaded only when it runs. */
export interface CommandSpec {
  /** One word, or two (`dataset register`). */
  readonly name: string;
  readonly summary: string;
  /** In order: `<needed>`, then `[left out at will]`. */
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly example: string;
  readonly load: () => Promise<Command>;
}

/** Commands that belong together, in the order of help. */
export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly CommandSpec[];
}

/** The words of one call, checked against the command's spec. */
export interface CommandArguments {
  /** A positional that the spec asks for; '' for an optional one that was left out. */
  readonly at: (index: number) => string;
  /** The value of an option that was given. */
  readonly option: (name: string) => string | undefined;
  /** The value of a required option. */
  readonly needed: (name: string) => string;
  /** All values of an option that repeats. */
  readonly all: (name: string) => readonly string[];
  readonly has: (name: string) => boolean;
}

/** What a command gets to do its work. */
export interface CommandCall extends CommandArguments {
  readonly api: Api;
  /** Who calls, as the system names them. */
  readonly user: string;
  readonly nowMs: number;
  /** Width of the terminal in characters; Infinity where the output is not a terminal. */
  readonly width: number;
  /** True with --json: what the API answered is printed, and nothing else. */
  readonly json: boolean;
  /** Prints a line of the answer. */
  readonly print: (line: string) => void;
  /** Prints a line that is no part of the answer, on stderr. */
  readonly note: (line: string) => void;
  /** Prints the API's answer as JSON, or else what `text` makes of it. */
  readonly show: (answer: unknown, text: () => string) => void;
}

/** Runs one command; an exit code, 0 when it returns none. */
export type Command = (call: CommandCall) => Promise<number | undefined>;

/** Options that every command that asks the server has. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
  url: {
    summary: 'where control is; else MILLRACE_URL, else port MILLRACE_PORT or 7600 here',
    value: '<url>',
  },
  json: { summary: 'print what the API answers' },
  help: { summary: 'what the command does and takes' },
};

/** The call was written wrong: the message says how, `command` whose help to show. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly command: CommandSpec | undefined;

  constructor(message: string, command?: CommandSpec) {
    super(message);
    this.command = command;
  }
}

import { userInfo } from 'node:os';
import { nearestName } from '../../core/nearest-name.ts';
import { type CommandCall, type CommandSpec, UsageError } from './command.ts';
import { commandGroups, commandOf, commands } from './command-table.ts';
import { asCommands } from './next-step.ts';
import { parseCommand } from './parse-command.ts';
import { roles } from './roles.ts';

const failed = 1;
const wrongUsage = 2;
const standardPort = '7600';

/** Where a command gets its surroundings from and writes to. */
interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Characters in a line; Infinity where the output is not a terminal. */
  readonly width: number;
  /** Prints a line of the answer. */
  readonly print: (line: string) => void;
  /** Prints a line beside the answer: errors, and what is no part of it. */
  readonly note: (line: string) => void;
}

/**
 * Runs a command of the command line.
 *
 * @returns the exit code: 0 done, 1 refused or failed (the message is noted), 2 the call was written wrong
 */
export async function runCli(
  argv: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  try {
    return await run(argv, terminal);
  } catch (error) {
    return report(error, terminal);
  }
}

function processTerminal(): Terminal {
  // `millrace loops | head` closes our output early; that is no error. A full disk is one.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`the answer could not be written: ${error.message}\n`);
    process.exit(failed);
  });
  // Nobody is left to be told.
  process.stderr.on('error', () => undefined);
  return {
    env: process.env,
    width: process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY,
    print: (line) => void process.stdout.write(`${line}\n`),
    note: (line) => void process.stderr.write(`${line}\n`),
  };
}

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { print, note, env, width } = terminal;
  const [first = 'help', ...rest] = argv;
  if (first === 'version' || first === '--version' || first === '-v') {
    const { installedVersion } = await import('../../core/installation.ts');
    const version = installedVersion();
    print(rest.includes('--json') ? JSON.stringify({ version }) : `millrace ${version}`);
    return 0;
  }
  if (first === 'help' || first === '--help' || first === '-h') {
    return help(
      rest.filter((w) => w !== '--help'),
      print,
    );
  }
  const found = commandOf(argv);
  if (!found && rest.some((word) => word === '--help' || word === '-h')) return help([first], print);
  if (!found) throw new UsageError(unknownCommand(argv));
  const { spec, words } = found;
  const args = parseCommand(spec, words);
  if (args.has('help')) return help([spec.name], print);
  const [{ Api }, { ControlClient }, command] = await Promise.all([
    import('./api.ts'),
    import('../../platform/client/index.ts'),
    spec.load(),
  ]);
  const ownUrl = `http://127.0.0.1:${env.MILLRACE_PORT ?? standardPort}`;
  const url = args.option('url') ?? env.MILLRACE_URL ?? ownUrl;
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new UsageError(`"${url}" is not an http:// URL (--url, MILLRACE_URL or MILLRACE_PORT)`, spec);
  }
  const json = args.has('json');
  const user = userName();
  const call: CommandCall = {
    ...args,
    api: new Api(new ControlClient(url, { user }), note),
    user,
    nowMs: Date.now(),
    width,
    json,
    print,
    note,
    show: (answer, text) => print(json ? JSON.stringify(answer, null, 2) : text()),
  };
  try {
    return (await command(call)) ?? 0;
  } catch (error) {
    // What a command finds wrong with its own words is answered with its own example and help.
    throw error instanceof UsageError && !error.command ? new UsageError(error.message, spec) : error;
  }
}

async function help(words: readonly string[], print: Terminal['print']): Promise<number> {
  const { overview, commandHelp, groupHelp } = await import('./help.ts');
  if (words.length === 0) {
    print(overview(commandGroups));
    return 0;
  }
  // Loaded only here: the settings bring their schema with them.
  const { roleHelp } = await import('./role-help.ts');
  const [first = ''] = words;
  const group = words.length === 1 ? commandsUnder(first) : [];
  const text =
    roleHelp(first) ??
    helpOfCommand(words, commandHelp) ??
    (group.length > 0 ? groupHelp(first, group) : undefined);
  if (text === undefined) throw new UsageError(unknownCommand(words));
  print(text);
  return 0;
}

function helpOfCommand(
  words: readonly string[],
  describe: (spec: CommandSpec) => string,
): string | undefined {
  const spec = commandOf(words.join(' ').split(' '))?.spec;
  return spec && describe(spec);
}

/** The commands of more than one word that begin with this one. */
function commandsUnder(word: string): readonly CommandSpec[] {
  return commands.filter((command) => command.name.startsWith(`${word} `));
}

function unknownCommand(words: readonly string[]): string {
  if (words[0]?.startsWith('-')) return `"${words[0]}" is not a command; options stand behind the command`;
  const names = [...commands.map((command) => command.name), ...Object.keys(roles), 'help', 'version'];
  const guess = nearestName(words.slice(0, 2).join(' '), names) ?? nearestName(words[0] ?? '', names);
  // Asked for by its first word, or by its second alone: "rollout", "replay".
  const word = words[0] ?? '';
  const under = commandsUnder(word);
  const known = (under.length > 0 ? under : commands.filter(({ name }) => name.endsWith(` ${word}`)))
    .map((command) => `"millrace ${command.name}"`)
    .join(', ');
  const hint = known ? `there is ${known}` : guess ? `did you mean "millrace ${guess}"?` : '';
  return `"${words[0]}" is not a command${hint && `; ${hint}`}`;
}

/** What the audit trail shall call the caller: the user of the operating system. */
function userName(): string {
  let name = '';
  try {
    name = userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    name = process.env.USER ?? '';
  }
  return name.replace(/[^\w.@ -]/g, '-').slice(0, 100) || 'anonymous';
}

/** Says what went wrong and what to do. The stack is shown only where we did not foresee it. */
function report(error: unknown, { note }: Terminal): number {
  if (error instanceof UsageError) {
    note(`millrace: ${error.message}`);
    note(
      error.command
        ? `Try: millrace ${error.command.example}\nHelp: millrace help ${error.command.name}`
        : 'Help: millrace help',
    );
    return wrongUsage;
  }
  const known = error as { message?: string; next?: string };
  if (error instanceof Error && known.next !== undefined) {
    note(error.message);
    if (known.next !== '') note(`Next: ${asCommands(known.next)}`);
  } else {
    note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return failed;
}

import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { MillraceError } from '../../core/errors.ts';
import { ControlClient, ControlError } from '../../platform/client/index.ts';
import { type Command, UsageError } from './Command.ts';
import { apply } from './commands/apply.ts';
import { audit } from './commands/audit.ts';
import { labels } from './commands/labels.ts';
import { logs } from './commands/logs.ts';
import { loopCommands } from './commands/loops.ts';
import { turnCommands } from './commands/turns.ts';
import { Output } from './Output.ts';

const commands: readonly Command[] = [apply, ...loopCommands, ...turnCommands, logs, labels, audit];
const defaultUrl = 'http://127.0.0.1:7600';

/**
 * Runs a command of the command line.
 *
 * @param argv the command's name and what follows it
 * @returns the exit status: 0 done, 1 refused or failed, 2 typed wrongly
 */
export async function runCli(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  write: (text: string) => void = (text) => process.stdout.write(text),
  writeError: (text: string) => void = (text) => process.stderr.write(text),
): Promise<number> {
  const [name = 'help', ...rest] = argv;
  if (name === 'help' || name === '--help' || name === '-h') {
    write(help());
    return 0;
  }
  const command = commands.find((c) => c.name === name);
  if (!command) {
    writeError(`millrace: there is no command "${name}"\n\n${help()}`);
    return 2;
  }
  try {
    const { values, positionals } = readWords(command, rest);
    if (values.help === true) {
      write(`millrace ${command.name} ${command.usage}\n\n${command.summary}\n`);
      return 0;
    }
    const [least, most] = command.words;
    if (positionals.length < least || positionals.length > most) {
      throw new UsageError(positionals.length < least ? 'something is missing' : 'there are too many words');
    }
    const url = text(values.url) ?? env.MILLRACE_URL ?? localUrl(env);
    const client = new ControlClient(url, undefined, text(values.as) ?? userName());
    const output = new Output(values.json === true, write);
    await command.run({ client, output, words: positionals, options: values });
    return 0;
  } catch (error) {
    if (error instanceof UsageError || isParseError(error)) {
      writeError(
        `millrace ${command.name}: ${(error as Error).message}\nusage: millrace ${command.name} ${command.usage}\n`,
      );
      return 2;
    }
    writeError(`${explain(error)}\n`);
    return 1;
  }
}

function readWords(command: Command, args: readonly string[]) {
  const own = Object.fromEntries(Object.entries(command.options).map(([key, type]) => [key, { type }]));
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...own,
      url: { type: 'string' },
      as: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

function help(): string {
  const width = Math.max(...commands.map((c) => c.name.length));
  const roles = [
    ['up', 'start control, serve and a worker on this machine'],
    ['control, serve, work', 'start one role alone'],
  ] as const;
  const lines = commands.map((c) => `  ${c.name.padEnd(width)}  ${c.summary}`);
  return `usage: millrace <command> [words] [--url ${defaultUrl}] [--as NAME] [--json]

${roles.map(([name, what]) => `  ${name.padEnd(22)}${what}`).join('\n')}

${lines.join('\n')}

"millrace <command> --help" tells how a command is typed.
`;
}

function explain(error: unknown): string {
  const { message, next } = error as { message?: string; next?: string };
  if (error instanceof MillraceError || error instanceof ControlError) return `${message}\n→ ${next}`;
  return message ?? String(error);
}

function isParseError(error: unknown): boolean {
  return String((error as { code?: string }).code ?? '').startsWith('ERR_PARSE_ARGS');
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function localUrl(env: NodeJS.ProcessEnv): string {
  return env.MILLRACE_PORT ? `http://127.0.0.1:${env.MILLRACE_PORT}` : defaultUrl;
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

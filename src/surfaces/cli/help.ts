import { type CommandGroup, type CommandSpec, commonOptions, type OptionSpec } from './command.ts';
import { roles } from './roles.ts';

/** Where what a command does begins in a line; a longer call has a line of its own. */
const column = 34;

type Line = readonly [call: string, summary: string];

/** Calls with what they do beside them. */
function set(lines: readonly Line[]): readonly string[] {
  return lines.map(([left, right]) =>
    left.length < column ? `  ${left.padEnd(column)}${right}` : `  ${left}\n  ${' '.repeat(column)}${right}`,
  );
}

/** The page that `millrace help` prints. */
export function overview(groups: readonly CommandGroup[]): string {
  const section = (title: string, lines: readonly Line[]): readonly string[] => ['', title, ...set(lines)];
  return [
    'Millrace carries a machine-learning model round the whole loop: train, judge, deploy, watch, improve.',
    '',
    'Usage: millrace <command> [arguments]',
    ...section('Start', Object.entries(roles)),
    ...groups.flatMap((group) =>
      section(
        group.title,
        group.commands.map((command) => [short(command), command.summary]),
      ),
    ),
    ...section('Else', [
      ['help [command]', 'this page, or what one command takes'],
      ['version', 'the version of this millrace'],
    ]),
    '',
    'Every command takes --url <url> (else MILLRACE_URL, else port MILLRACE_PORT or 7600 here), --json and --help.',
    'What decides about versions, traffic, loops or keys asks for --reason <text>, for the audit trail: see its help.',
    'A turn is named <loop>/<number>; a loop’s name alone means its turn under way, else its last one.',
    'Exit codes: 0 done, 1 refused or failed, 2 the command was written wrong.',
    '',
    'Settings of up, control, serve and work: "millrace help up".',
  ].join('\n');
}

/** The commands that begin with a word that is none itself: `rollout start`, `rollout show`, … */
export function groupHelp(word: string, commands: readonly CommandSpec[]): string {
  return [
    `millrace ${word} has these commands:`,
    '',
    ...set(commands.map((command) => [short(command), command.summary])),
    '',
    `What one of them takes: millrace help ${commands[0]?.name ?? word}`,
  ].join('\n');
}

/** What one command does and takes. */
export function commandHelp(spec: CommandSpec): string {
  return [
    `millrace ${spec.name}: ${spec.summary}`,
    '',
    `Usage: millrace ${usage(spec)}${Object.keys(spec.options).length > 0 ? ' [options]' : ''}`,
    ...optionLines('Options:', spec.options),
    ...optionLines('As every command:', commonOptions),
    '',
    `Example: millrace ${spec.example}`,
  ].join('\n');
}

/** A call without `--reason`, of which the page tells once. */
function short(spec: CommandSpec): string {
  return usage(spec).replace(' --reason <text>', '');
}

function usage(spec: CommandSpec): string {
  const needed = Object.entries(spec.options)
    .filter(([, option]) => option.required)
    .map(([name, option]) => `--${name} ${option.value}`);
  return [spec.name, ...spec.positionals, ...needed].join(' ');
}

function optionLines(title: string, options: Readonly<Record<string, OptionSpec>>): readonly string[] {
  const lefts = Object.entries(options).map(([name, option]) => {
    const text = `--${name}${option.value ? ` ${option.value}` : ''}`;
    return [text, `${option.summary}${option.repeat ? '; may be repeated' : ''}`] as const;
  });
  if (lefts.length === 0) return [];
  const width = Math.max(...lefts.map(([left]) => left.length)) + 2;
  return ['', title, ...lefts.map(([left, right]) => `  ${left.padEnd(width)}${right}`)];
}

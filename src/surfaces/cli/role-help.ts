import {
  flagOf,
  type SettingGroup,
  type SettingName,
  settingGroups,
  settingsOfRole,
  settingsSchema,
  standardOf,
} from '../../platform/config/index.ts';
import { roles } from './roles.ts';

/** The page is read in terminals of this width. */
const pageWidth = 80;

interface RolePage {
  readonly usage: string;
  readonly examples: readonly string[];
  readonly settingsOf: (group: SettingGroup) => readonly SettingName[];
}

const pages: Readonly<Record<string, RolePage>> = {
  up: {
    usage: 'up [--setting value ...]',
    examples: ['up', 'up --data /srv/millrace --port 8080 --serve-workers 2'],
    settingsOf: ({ settings }) => settings,
  },
  control: {
    usage: 'control [--setting value ...]',
    examples: ['control --data /srv/millrace', 'control --database-url postgres://db.example/millrace'],
    settingsOf: (group) => settingsOfRole('control', group),
  },
  serve: {
    usage: 'serve [--setting value ...]',
    examples: ['serve --url http://control:7600 --data /srv/replica', 'serve --repository models'],
    settingsOf: (group) => settingsOfRole('serve', group),
  },
  work: {
    usage: 'work [--setting value ...]',
    examples: ['work --url http://control:7600'],
    settingsOf: (group) => settingsOfRole('work', group),
  },
  move: {
    usage: 'move --to <url> | --from <url> [--data <directory>]',
    examples: ['move --to postgres://db.example/millrace', 'move --from postgres://db.example/millrace'],
    settingsOf: ({ settings }) => settings.filter((name) => name === 'data'),
  },
};

/** What a role is and the settings that it reads; undefined if there is no role of that name. */
export function roleHelp(name: string): string | undefined {
  const role = Object.hasOwn(roles, name) ? roles[name] : undefined;
  const page = Object.hasOwn(pages, name) ? pages[name] : undefined;
  if (role === undefined || page === undefined) return undefined;
  const groups = settingGroups
    .map((group) => ({ title: group.title, settings: page.settingsOf(group) }))
    .filter(({ settings }) => settings.length > 0);
  const flags = groups.flatMap(({ settings }) => settings.map(flagOf));
  const column = Math.max('--config'.length, ...flags.map((flag) => flag.length)) + 4;
  const line = (flag: string, text: string) =>
    `  ${flag.padEnd(column - 2)}${wrapped(text, pageWidth - column).join(`\n${' '.repeat(column)}`)}`;
  return [
    wrapped(`millrace ${name}: ${role}`, pageWidth).join('\n'),
    `Usage: millrace ${page.usage}`,
    ['Examples:', ...page.examples.map((example) => `  millrace ${example}`)].join('\n'),
    ...groups.map(({ title, settings }) =>
      [title, ...settings.map((setting) => line(flagOf(setting), described(setting)))].join('\n'),
    ),
    ['File', line('--config', 'YAML file with settings (servePort: 7601)')].join('\n'),
    wrapped(
      'In brackets: the standard value. --serve-port is MILLRACE_SERVE_PORT in the environment and servePort in a file; a flag wins over the environment, the environment over the file. Ctrl-C stops everything.',
      pageWidth,
    ).join('\n'),
  ].join('\n\n');
}

function described(setting: SettingName): string {
  const { description = '' } = settingsSchema.shape[setting];
  return description + shownStandard(standardOf(setting));
}

/** Switches have none to show: their flag says what it turns on or off. */
function shownStandard(standard: unknown): string {
  const isShown = typeof standard === 'number' || (typeof standard === 'string' && standard !== '');
  return isShown ? ` (${standard})` : '';
}

/** Lines of at most so many characters; a longer word has one of its own. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

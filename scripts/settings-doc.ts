import {
  fallbackVariables,
  flagOf,
  type SettingName,
  settingGroups,
  settingsSchema,
  standardOf,
  switches,
  variableOf,
} from '../src/platform/config/index.ts';
import { writeOrCheckPage } from './generated-page.ts';

/** The page docs/settings.md: every setting with its flag, variable, key in a file, meaning and standard value. */
function settingsPage(): string {
  return [
    '# Settings',
    '',
    'Every setting of `millrace up`, `control`, `serve` and `work`. A flag wins over the environment, the environment over the file that `--config` (or `MILLRACE_CONFIG`) names: YAML with the names of the first column. `up` hands its settings on to the roles that it starts. `bin/millrace help up` shows the same.',
    '',
    'Switches are flags without a value (`--artifacts-only`; `--no-…` turns off what is on, and its meaning is told here); as variables and in files they are `true` or `false`. Sizes are `512MB` or `2GB`, durations `30s`, `15m`, `30d`. Where a variable of MLflow’s server is named, it counts if nothing else says anything.',
    '',
    ...settingGroups.flatMap(({ title, settings }) => [
      `## ${title}`,
      '',
      '| in a file | flag | variable | meaning | standard |',
      '|---|---|---|---|---|',
      ...settings.map(row),
      '',
    ]),
    'This page is generated from `src/platform/config/` by `make docs`.',
    '',
  ].join('\n');
}

function row(name: SettingName): string {
  const { description = '' } = settingsSchema.shape[name];
  const others = fallbackVariables[name]?.map((variable) => `<br>\`${variable}\``).join('') ?? '';
  const flag = switches.has(name) ? flagOf(name) : `${flagOf(name)} …`;
  const cells = [
    `\`${name}\``,
    `\`${flag}\``,
    `\`${variableOf(name)}\`${others}`,
    meaning(description),
    standard(name),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Angle brackets would be tags of HTML, bars the ends of cells. */
function meaning(description: string): string {
  return description.replaceAll('|', '\\|').replaceAll(/<([a-z]+)>/g, '&lt;$1&gt;');
}

function standard(name: SettingName): string {
  const value = standardOf(name);
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
    ? ''
    : `\`${value}\``;
}

writeOrCheckPage('settings.md', 'src/platform/config', settingsPage());

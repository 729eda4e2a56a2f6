import {
  flagOf,
  settingGroups,
  settingNames,
  settingsSchema,
  standardOf,
  variableOf,
} from '../../platform/config/index.ts';
import { roles } from './roles.ts';

/** What a role is and the settings it takes; undefined if there is no role of that name. */
export function roleHelp(name: string): string | undefined {
  const role = Object.hasOwn(roles, name) ? roles[name] : undefined;
  if (role === undefined) return undefined;
  const width = Math.max(...settingNames.map((setting) => flagOf(setting).length)) + 2;
  const variableWidth = Math.max(...settingNames.map((setting) => variableOf(setting).length)) + 2;
  const line = (flag: string, variable: string, text: string): string =>
    `  ${flag.padEnd(width)}${variable.padEnd(variableWidth)}${text}`;
  const groups = settingGroups.map(({ title, settings }) =>
    [
      title,
      ...settings.map((setting) => {
        const { description = '' } = settingsSchema.shape[setting];
        return line(flagOf(setting), variableOf(setting), description + shownStandard(standardOf(setting)));
      }),
    ].join('\n'),
  );
  return [
    `millrace ${name}: ${role}`,
    `Usage: millrace ${name} [--setting value ...]`,
    'Settings, as a flag or in the environment; the standard value in brackets:',
    ...groups,
    ['File', line('--config', 'MILLRACE_CONFIG', 'YAML file with settings (servePort: 7601)')].join('\n'),
    'A flag wins over the environment, the environment over the file. Ctrl-C stops everything.',
  ].join('\n\n');
}

/** Switches have none to show: their flag says what it turns on or off. */
function shownStandard(standard: unknown): string {
  const isShown = typeof standard === 'number' || (typeof standard === 'string' && standard !== '');
  return isShown ? ` (${standard})` : '';
}

import { flagOf, settingNames, settingsSchema, variableOf } from '../../platform/config/index.ts';
import { roles } from './roles.ts';

/** What a role is and the settings it takes; undefined if there is no role of that name. */
export function roleHelp(name: string): string | undefined {
  const role = Object.hasOwn(roles, name) ? roles[name] : undefined;
  if (role === undefined) return undefined;
  const width = Math.max(...settingNames.map((setting) => flagOf(setting).length)) + 2;
  const variableWidth = Math.max(...settingNames.map((setting) => variableOf(setting).length)) + 2;
  const lines = settingNames.map((setting) => {
    const { description = '' } = settingsSchema.shape[setting];
    const standard = settingsSchema.shape[setting].safeParse(undefined).data;
    const shown = standard === undefined || standard === '' ? '' : ` (${standard})`;
    return `  ${flagOf(setting).padEnd(width)}${variableOf(setting).padEnd(variableWidth)}${description}${shown}`;
  });
  return [
    `millrace ${name}: ${role}`,
    '',
    `Usage: millrace ${name} [--setting value ...]`,
    '',
    'Settings, as a flag or in the environment; the standard value in brackets:',
    ...lines,
    `  ${'--config'.padEnd(width)}${'MILLRACE_CONFIG'.padEnd(variableWidth)}YAML file with settings (servePort: 7601)`,
    '',
    'A flag wins over the environment, the environment over the file. Ctrl-C stops everything.',
  ].join('\n');
}

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { fail } from '../../core/errors.ts';

const port = z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65535);
const memory = z.string().regex(/^\d+(\.\d+)?(MB|GB)$/, 'must be a size such as 512MB or 2GB');

/**
 * Every setting: name in a config file, as a flag (`--serve-port`) and as an environment variable
 * (`MILLRACE_SERVE_PORT`). The flag wins over the environment, the environment over the file.
 */
export const settingsSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('address that control and serve listen on'),
  port: port.default(7600).describe('port of control'),
  servePort: port.default(7601).describe('port of serve'),
  data: z.string().min(1).default('./.millrace').describe('data directory'),
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL')
    .optional()
    .describe('Postgres instead of SQLite in the data directory'),
  artifactRoot: z.string().min(1).optional().describe('directory of blobs; <data>/blobs unless set'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http:// URL' })
    .optional()
    .describe('where control is, for serve, work and the command line'),
  worker: z
    .string()
    .regex(/^[\w.-]+$/, 'may hold letters, digits, _ . -')
    .default('local')
    .describe('name of this worker'),
  replica: z
    .string()
    .regex(/^[\w.-]+$/, 'may hold letters, digits, _ . -')
    .default('local')
    .describe('name of this replica'),
  python: z.string().min(1).optional().describe('Python that runs training scripts'),
  framesMemory: memory.default('1GB').describe('memory limit of the frame engine'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level that is logged'),
  logFormat: z
    .enum(['auto', 'json', 'text'])
    .default('auto')
    .describe('text on a terminal, else JSON, unless set'),
});
export type Settings = Readonly<z.output<typeof settingsSchema>>;
export type SettingName = keyof Settings;

export const settingNames = Object.keys(settingsSchema.shape) as readonly SettingName[];

/** `servePort` as a flag: `--serve-port`. */
export function flagOf(name: SettingName): string {
  return `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
}

/** `servePort` in the environment: `MILLRACE_SERVE_PORT`. */
export function variableOf(name: SettingName): string {
  return `MILLRACE_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
}

/**
 * Puts the settings together. `--config FILE` (or MILLRACE_CONFIG) names a YAML file.
 *
 * @param flags `--name value` or `--name=value`, and nothing else
 * @throws `config_invalid`, naming the flag, variable or line of the file, the value and what is allowed
 */
export function readSettings(
  flags: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings {
  const values: Record<string, unknown> = {};
  const source: Record<string, string> = {};
  const given = readFlags(flags);
  const file = given.config ?? env.MILLRACE_CONFIG;
  const set = (name: string, value: unknown, where: string): void => {
    values[name] = value;
    source[name] = where;
  };
  if (file !== undefined) {
    for (const [name, value] of Object.entries(readConfigFile(file))) set(name, value, `${name} in ${file}`);
  }
  for (const name of settingNames) {
    const variable = variableOf(name);
    if (env[variable] !== undefined && env[variable] !== '') set(name, env[variable], variable);
    if (given[name] !== undefined) set(name, given[name], flagOf(name));
  }
  const result = settingsSchema.safeParse(values);
  if (!result.success) {
    const issue = result.error.issues[0];
    const name = String(issue?.code === 'unrecognized_keys' ? issue.keys[0] : (issue?.path[0] ?? ''));
    const problem =
      issue?.code === 'unrecognized_keys'
        ? `is not a setting; settings are ${settingNames.join(', ')}`
        : `"${String(values[name])}": ${issue?.message}`;
    throw fail('config_invalid', { field: source[name] ?? name, problem });
  }
  return { ...result.data, data: resolve(result.data.data) };
}

function readFlags(flags: readonly string[]): Readonly<Record<string, string>> {
  const byFlag = new Map<string, string>(settingNames.map((name) => [flagOf(name), name]));
  byFlag.set('--config', 'config');
  const given: Record<string, string> = {};
  for (let i = 0; i < flags.length; i++) {
    const [flag = '', inline] = (flags[i] ?? '').split(/=(.*)/s, 2);
    const name = byFlag.get(flag);
    if (!name) {
      const problem = `is not a flag; flags are ${[...byFlag.keys()].join(' ')}`;
      throw fail('config_invalid', { field: flag, problem });
    }
    const value = inline ?? flags[++i];
    if (value === undefined) throw fail('config_invalid', { field: flag, problem: 'needs a value' });
    given[name] = value;
  }
  return given;
}

function readConfigFile(path: string): Readonly<Record<string, unknown>> {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, 'utf8'));
  } catch (error) {
    const problem = `cannot be read: ${error instanceof Error ? error.message : error}`;
    throw fail('config_invalid', { field: path, problem }, error);
  }
  if (content === null) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw fail('config_invalid', { field: path, problem: 'must hold settings as `name: value`' });
  }
  return content as Record<string, unknown>;
}

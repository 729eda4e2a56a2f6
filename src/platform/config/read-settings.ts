import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fail } from '../../core/errors.ts';
import { describeIssue } from '../../core/issue-text.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { requireWhenUsed } from '../../core/require-when-used.ts';
import { withoutPassword } from '../../core/without-password.ts';
import { checkArtifactSettings } from './artifact-settings.ts';
import {
  fallbackVariables,
  flagOf,
  type Settings,
  settingNames,
  settingsSchema,
  switches,
  variableOf,
} from './settings.ts';

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
    const fallback = fallbackVariables[name]?.find((variable) => env[variable]);
    if (fallback !== undefined && values[name] === undefined) set(name, env[fallback], fallback);
    const variable = variableOf(name);
    if (env[variable] !== undefined && env[variable] !== '') set(name, env[variable], variable);
    if (given[name] !== undefined) set(name, given[name], flagOf(name));
  }
  const result = settingsSchema.safeParse(values, { error: describeIssue });
  if (!result.success) {
    const issue = result.error.issues[0];
    const name = String(issue?.code === 'unrecognized_keys' ? issue.keys[0] : (issue?.path[0] ?? ''));
    const problem =
      issue?.code === 'unrecognized_keys'
        ? `is not a setting; ${nearest(name, settingNames)}`
        : `"${withoutPassword(String(values[name]))}": ${issue?.message}`;
    throw fail('config_invalid', { field: source[name] ?? name, problem });
  }
  const settings = result.data;
  const resolved = {
    ...settings,
    data: resolve(settings.data),
    ...(settings.artifactRoot && { artifactRoot: resolveIfPath(settings.artifactRoot) }),
    ...(settings.artifactsDestination && {
      artifactsDestination: resolveIfPath(settings.artifactsDestination),
    }),
  };
  checkArtifactSettings(resolved);
  return resolved;
}

/** More names than these help nobody. */
const mostAlike = 4;

/** A path as an absolute one; a URI as it is. */
function resolveIfPath(location: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.test(location) ? location : resolve(location);
}

function readFlags(flags: readonly string[]): Readonly<Record<string, string>> {
  const byFlag = new Map<string, string>(settingNames.map((name) => [flagOf(name), name]));
  byFlag.set('--config', 'config');
  const given: Record<string, string> = {};
  for (let i = 0; i < flags.length; i++) {
    const [flag = '', inline] = (flags[i] ?? '').split(/=(.*)/s, 2);
    const name = byFlag.get(flag) ?? byFlag.get(flag.replace('--', '--no-'));
    if (!name) {
      const problem = `is not a flag; ${nearest(flag, [...byFlag.keys()])}`;
      throw fail('config_invalid', { field: flag, problem });
    }
    if (switches.has(name) && inline === undefined) {
      given[name] = String(!flag.startsWith('--no-'));
      continue;
    }
    if (flag.startsWith('--no-')) throw fail('config_invalid', { field: flag, problem: 'takes no value' });
    const value = inline ?? flags[++i];
    if (value === undefined) throw fail('config_invalid', { field: flag, problem: 'needs a value' });
    given[name] = value;
  }
  return given;
}

/** What was probably meant: names with all of its words, else one a slip away, else those with most of its words. */
function nearest(wrong: string, known: readonly string[]): string {
  const words = wordsOf(wrong);
  const shared = (name: string) => wordsOf(name).filter((word) => words.includes(word)).length;
  const most = Math.max(...known.map(shared));
  const alike = most === 0 ? [] : known.filter((name) => shared(name) === most);
  const guess = most === words.length && alike.length <= mostAlike ? null : nearestName(wrong, known);
  if (guess) return `the nearest is ${guess}`;
  const hint =
    alike.length > 0 && alike.length <= mostAlike ? `perhaps ${alike.join(' or ')} is meant; ` : '';
  return `${hint}"millrace help up" lists them all`;
}

/** `--serve-port` and `servePort` have the same words. */
function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '' && word !== 'no');
}

function readConfigFile(path: string): Readonly<Record<string, unknown>> {
  let content: unknown;
  try {
    content = requireWhenUsed<typeof import('yaml')>('yaml').parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const why = isMissing ? 'there is no such file' : error instanceof Error ? error.message : error;
    const problem = `cannot be read: ${why}`;
    throw fail('config_invalid', { field: path, problem }, error);
  }
  if (content === null) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw fail('config_invalid', { field: path, problem: 'must hold settings as `name: value`' });
  }
  return content as Record<string, unknown>;
}

import { parse as parseYaml } from 'yaml';
import type { EnvironmentDifference } from '../contract/compare.ts';
import { type Differences, differencesOf } from './differences.ts';

/** The files beside a model that say what it runs on, by name; those that are not there are left out. */
type EnvironmentFiles = ReadonlyMap<string, string>;

/** The files beside a logged model that say what it runs on, as MLflow names them. */
export const environmentFiles = ['requirements.txt', 'python_env.yaml', 'conda.yaml'] as const;

/**
 * The lines of the environments that differ, paired by the package that they name. MLflow writes the same packages
 * into conda.yaml as into requirements.txt, so conda.yaml counts only where a side has no requirements.txt.
 */
export function compareEnvironments(
  from: EnvironmentFiles,
  to: EnvironmentFiles,
): Differences<EnvironmentDifference> {
  const hasBoth = from.has('requirements.txt') && to.has('requirements.txt');
  const files = environmentFiles.filter((file) => !(hasBoth && file === 'conda.yaml'));
  const parts = files.map((file) => {
    const { differing, sameCount } = differencesOf(linesOf(file, from), linesOf(file, to));
    return { sameCount, differing: differing.map(({ key: name, ...pair }) => ({ file, name, ...pair })) };
  });
  return {
    differing: parts.flatMap((part) => part.differing),
    sameCount: parts.reduce((sum, part) => sum + part.sameCount, 0),
  };
}

function linesOf(file: string, files: EnvironmentFiles): ReadonlyMap<string, string> {
  const text = files.get(file);
  if (text === undefined) return new Map();
  const lines = file.endsWith('.txt') ? text.split('\n') : yamlLines(text);
  const written = lines.map((line) => line.replace(/(^|\s)#.*$/, '').trim()).filter((line) => line !== '');
  return new Map(written.map((line) => [packageName(line), line]));
}

/** The package that a line names, written in one way; the line itself for options and addresses. */
function packageName(line: string): string {
  const name = /^([a-z0-9][a-z0-9._-]*)\s*(\[[^\]]*\])?\s*([=<>!~;@]|$)/i.exec(line)?.[1];
  return name === undefined ? line : name.toLowerCase().replace(/[._]/g, '-');
}

/** Everything that a YAML file lists, wherever it stands; `python: 3.11` as `python=3.11`. */
function yamlLines(text: string): readonly string[] {
  try {
    return leaves(parseYaml(text), '');
  } catch {
    return text.split('\n');
  }
}

function leaves(value: unknown, key: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => leaves(item, ''));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, inner]) => leaves(inner, name));
  }
  return [key === '' ? String(value) : `${key}=${value}`];
}

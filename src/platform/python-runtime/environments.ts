import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorMessage } from '../../core/error-message.ts';
import { fail, MillraceError } from '../../core/errors.ts';
import { installationDirectory } from '../../core/installation.ts';
import { canonicalJson, digestOf } from '../../core/json.ts';
import type { PackageFile } from '../../core/model-package.ts';
import { EnvironmentCache } from './environment-cache.ts';
import type { Owners } from './owners.ts';
import { pipProblem } from './pip-problem.ts';
import { runAttended, runProgram } from './run-program.ts';

const checkScript = join(installationDirectory, 'python/environment.py');
const shownLines = 4;
const shownRequirements = 5;

const checkSchema = z.object({
  version: z.string(),
  unmet: z.array(z.object({ requirement: z.string(), installed: z.string().nullable() })),
});
type Check = z.infer<typeof checkSchema>;

export interface EnvironmentOptions {
  /** The given interpreter. */
  readonly python: string;
  /** Where environments are built. */
  readonly directory: string;
  /** `given` takes the given interpreter as it is, `own` always builds, `auto` builds where the given one lacks something. */
  readonly mode: 'auto' | 'given' | 'own';
  /** Directory of wheels to install from instead of an index; null for the index that pip is set to. */
  readonly wheels: string | null;
  /** How much all environments may take; those unused for longest go first. */
  readonly cacheBytes: number;
}

/** What a logged model asks of its interpreter. */
export interface Wanted {
  readonly requirements: readonly string[];
  /** As `3.11.4`; null for any. */
  readonly pythonVersion: string | null;
  /** Its files, which requirements may name by their paths (wheels, constraints), and where they are laid out. */
  readonly files?: readonly PackageFile[];
  readonly directory?: string;
}

/**
 * Interpreters that meet the requirements of models: the given one where it does, else a virtual environment that
 * is built once for equal requirements and kept.
 */
export class PythonEnvironments {
  readonly #options: EnvironmentOptions;
  readonly #cache: EnvironmentCache;
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(options: EnvironmentOptions, owners: Owners) {
    this.#options = options;
    this.#cache = new EnvironmentCache(options.directory, options.cacheBytes, owners);
  }

  /**
   * The path of an interpreter. Throws `python_missing` when the given one does not run, and
   * `python_environment_failed` with pip's last words when none can be built.
   */
  async interpreterFor(wanted: Wanted, log: (line: string) => void): Promise<string> {
    const { mode, python } = this.#options;
    if (mode === 'given') return python;
    const check = await this.#check(python, wanted);
    const sameMinor = wanted.pythonVersion === null || minor(wanted.pythonVersion) === minor(check.version);
    if (mode === 'auto' && sameMinor && check.unmet.length === 0) return python;
    for (const line of unmetText(wanted, check, sameMinor)) log(line);
    const base = sameMinor ? python : `python${minor(wanted.pythonVersion ?? '')}`;
    const platform = `${process.platform}-${process.arch}`;
    const key = digestOf(
      canonicalJson({
        requirements: wanted.requirements,
        ...namedFiles(wanted),
        python: minor(wanted.pythonVersion ?? check.version),
        platform,
      }),
    ).slice('sha256:'.length, 'sha256:'.length + 24);
    const found = this.#underWay.get(key);
    if (found) return found;
    const building = this.#environment(key, base, wanted, log).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, building);
    return building;
  }

  async #check(python: string, { requirements, directory }: Wanted): Promise<Check> {
    const file = join(this.#options.directory, `check-${randomUUID()}.txt`);
    await mkdir(this.#options.directory, { recursive: true });
    await writeFile(file, requirements.join('\n'));
    try {
      const { code, lines } = await runProgram(python, [checkScript, file], undefined, directory);
      const last = lines.at(-1) ?? '';
      if (code !== 0) throw new Error(last || `exit code ${code}`);
      return checkSchema.parse(JSON.parse(last));
    } catch (cause) {
      const problem = errorMessage(cause);
      throw fail('python_missing', { path: python, flavor: 'Python', problem }, cause);
    } finally {
      await rm(file, { force: true });
    }
  }

  async #environment(
    key: string,
    base: string,
    wanted: Wanted,
    log: (line: string) => void,
  ): Promise<string> {
    const kept = await this.#cache.find(key);
    if (kept) return kept;
    try {
      return await this.#cache.build(
        key,
        (directory) => this.#build(directory, base, wanted, log),
        () => log('another process builds the environment: waiting for it'),
      );
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause;
      throw environmentFailed(wanted, errorMessage(cause), cause);
    }
  }

  async #build(directory: string, base: string, wanted: Wanted, log: (line: string) => void): Promise<void> {
    log(`building an environment for ${wanted.requirements.length} requirements with ${base}`);
    const venv = await runAttended(base, 'venv', [directory]).catch((cause: unknown) => {
      throw environmentFailed(wanted, `${base} does not run: ${(cause as Error).message}`, cause);
    });
    if (venv.code !== 0) throw environmentFailed(wanted, venv.lines.slice(-shownLines).join(' / '));
    // Where one has a hash pip wants one of all: MLflow, which was added, has none.
    const [hashed, rest] = partition(wanted.requirements, (line) => line.includes('--hash='));
    const [options, named] = partition(rest, (line) => line.startsWith('-'));
    const free = named.length > 0 ? [...options.filter((o) => o !== '--require-hashes'), ...named] : [];
    const steps = hashed.length === 0 ? [wanted.requirements] : [[...options, ...hashed], free];
    for (const lines of steps) if (lines.length > 0) await this.#install(directory, lines, wanted, log);
  }

  async #install(
    directory: string,
    requirements: readonly string[],
    wanted: Wanted,
    log: (line: string) => void,
  ): Promise<void> {
    // Beside the files of the model, as the paths in it are.
    const at = wanted.directory ?? directory;
    const file = join(at, `requirements-${randomUUID()}.txt`);
    const { wheels } = this.#options;
    const source = wheels === null ? [] : ['--no-index', '--find-links', wheels];
    const quiet = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
    await writeFile(file, requirements.join('\n'));
    try {
      const python = join(directory, 'bin/python');
      const pip = await runAttended(python, 'pip', ['install', ...quiet, ...source, '-r', file], log, at);
      if (pip.code !== 0) throw environmentFailed(wanted, pipProblem(pip.lines));
    } finally {
      await rm(file, { force: true });
    }
  }
}

/** Those of the model's files that its requirements name, also by their folder: the environment depends on what is in them. */
function namedFiles({ requirements, files = [] }: Wanted): { readonly files?: readonly PackageFile[] } {
  const words = new Set(
    requirements.flatMap((line) =>
      line.split(/[\s=]+/).map((word) => word.replace(/^\.\//, '').replace(/\/$/, '')),
    ),
  );
  const named = files.filter(({ path }) => {
    const parts = path.split('/');
    return parts.some((_, i) => words.has(parts.slice(0, i + 1).join('/')));
  });
  return named.length > 0 ? { files: named } : {};
}

function partition<T>(
  items: readonly T[],
  test: (item: T) => boolean,
): readonly [readonly T[], readonly T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

function environmentFailed(wanted: Wanted, problem: string, cause?: unknown): MillraceError {
  const { requirements } = wanted;
  const more = requirements.length > shownRequirements ? ', …' : '';
  const shown = requirements.slice(0, shownRequirements).join(', ') + more;
  return fail('python_environment_failed', { requirements: shown || 'none', problem }, cause);
}

function* unmetText(wanted: Wanted, check: Check, sameMinor: boolean): Generator<string> {
  if (!sameMinor)
    yield `the model was logged with Python ${wanted.pythonVersion}, the given one is ${check.version}`;
  for (const { requirement, installed } of check.unmet) {
    yield `the given Python does not meet ${requirement}${installed ? ` (it has ${installed})` : ''}`;
  }
}

/** `3.11` of `3.11.4`. */
function minor(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

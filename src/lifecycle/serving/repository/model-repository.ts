import { join } from 'node:path';
import { errorMessage } from '../../../core/error-message.ts';
import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import { formatTime } from '../../../core/time.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { LoadOverride, ModelRepository, RepositoryEntry } from '../contract/model-repository.ts';
import type { EndpointRoute } from '../contract.ts';
import type { PackageLoader } from '../plane/package-loader.ts';
import type { Plane } from '../plane/plane.ts';
import { type BuiltVersion, buildVersion } from './build-version.ts';
import { chooseVersions } from './choose-versions.ts';
import { optionsOf } from './endpoint-options.ts';
import { buildEnsemble, type EnsemblePart, ensembleSteps, versionOfStep } from './ensemble.ts';
import { entriesOf, type Known, type Served, seenNow } from './known-model.ts';
import { isDue, mayPass, nextRetry } from './load-retry.ts';
import { type MlflowPackager, mlflowFolder } from './mlflow-version.ts';
import { type ModelConfig, readConfigJson, readConfigText } from './model-config.ts';
import {
  configFileName,
  folderSource,
  givenSource,
  type ModelSource,
  modelFolders,
  problemOfName,
} from './model-source.ts';

interface RepositoryOptions {
  readonly directory: string;
  readonly plane: Plane;
  readonly loader: PackageLoader;
  readonly blobs: BlobStore;
  readonly logger: Logger;
  /** Whether models ask for a key whose configuration says nothing of it. */
  readonly requireKey?: boolean;
  /** What packages models of MLflow; null: there is no Python here. */
  readonly mlflow?: MlflowPackager | null;
}

/** A model as it is read before it is loaded. */
interface ReadModel {
  readonly source: ModelSource;
  readonly config: ModelConfig;
  /** The models that an ensemble is made of. */
  readonly uses: readonly string[];
}

/** Models of a look that are loaded at the same time: each may start processes of Python. */
const loadsAtOnce = 4;
const noOverride: LoadOverride = { config: null, files: new Map() };

/**
 * The models of a folder in Triton's layout (`<model>/config.pbtxt`, `<model>/<version>/model.onnx`), each an endpoint
 * of a data plane. A model changes in one swap after all of its new versions were tried: requests never fail, and a
 * version that cannot be loaded leaves in service what was there. Changes by request and looks at the folder are made
 * one after the other.
 */
export class RepositoryModels implements ModelRepository {
  readonly #options: RepositoryOptions;
  readonly #models = new Map<string, Known>();
  /** Folders that the log has told of. */
  readonly #passedOver = new Set<string>();
  #routeVersion = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** Are the names of the models known? */
  #looked = false;

  constructor(options: RepositoryOptions) {
    this.#options = options;
    options.plane.reasonOf = (name) => {
      const known = this.#models.get(name);
      if (!known) return this.#looked ? 'unknown' : 'loading';
      return known.state === 'LOADING' ? 'loading' : 'unavailable';
    };
  }

  index(): readonly RepositoryEntry[] {
    const names = [...this.#models.keys()].sort();
    return names.flatMap((name) => entriesOf(name, this.#models.get(name) as Known));
  }

  /** The configuration that a version is served by, in Triton's JSON form; null when it is not served, or has none. */
  config(name: string, version: string | null): Readonly<Record<string, unknown>> | null {
    const served = this.#models.get(name)?.served ?? [];
    return (version === null ? served[0] : served.find((s) => s.version === version))?.config ?? null;
  }

  load(name: string, override: LoadOverride = noOverride): Promise<void> {
    return this.#inTurn(async () => {
      const nameProblem = problemOfName(name);
      if (nameProblem) {
        throw fail('model_load_failed', { problem: `failed to load '${name}', ${nameProblem}` });
      }
      if (override.config === null && (await this.#isAsRequested(name))) return;
      const problem = await this.#load(name, override);
      await this.#loadUsers([name]);
      await this.#release();
      if (problem) throw fail('model_load_failed', { problem });
    });
  }

  /** Is a model in service by a configuration of a request, and its folder as it was then? Triton keeps it so too. */
  async #isAsRequested(name: string): Promise<boolean> {
    const known = this.#models.get(name);
    if (!known?.overridden || known.given || known.served.length === 0 || known.problems.size > 0)
      return false;
    const folder = await folderSource(join(this.#options.directory, name));
    return folder !== null && folder.fingerprint === known.fingerprint;
  }

  /** @param withUsed whether the models that an ensemble is made of are unloaded too */
  unload(name: string, withUsed = false): Promise<void> {
    return this.#inTurn(async () => {
      for (const model of new Set([name, ...(withUsed ? this.#usedBy(name) : [])])) this.#unload(model);
      await this.#release();
    });
  }

  #unload(name: string): void {
    const known = this.#models.get(name);
    if (!known || (known.served.length === 0 && known.state !== 'SETTLED')) return;
    this.#options.plane.drop(name);
    const nothing: Partial<Known> = {
      served: [],
      problems: new Map(),
      overridden: false,
      retry: null,
      state: 'UNLOADED',
    };
    Object.assign(known, nothing);
    this.#options.logger.info({ model: name }, 'model unloaded');
  }

  /** All that an ensemble is made of, the parts of its parts too. */
  #usedBy(name: string, seen = new Set<string>()): ReadonlySet<string> {
    for (const used of this.#models.get(name)?.uses ?? []) {
      if (seen.has(used)) continue;
      seen.add(used);
      this.#usedBy(used, seen);
    }
    return seen;
  }

  /**
   * Looks at the folder. New and changed models are loaded, some at once; those that are gone are unloaded. A model that
   * was unloaded by request stays so until its files change; one that could not be loaded for a reason that may pass is
   * tried again after growing pauses.
   *
   * @param loads which models may be loaded; the others are only known
   */
  poll(loads: (name: string) => boolean = () => true): Promise<void> {
    return this.#inTurn(async () => {
      const { names, passedOver } = await modelFolders(this.#options.directory);
      this.#tellPassedOver(passedOver);
      const changed: { readonly name: string; readonly source: ModelSource }[] = [];
      for (const name of names) {
        const source = await this.#seen(name);
        const known = this.#models.get(name);
        if (!source || (known?.fingerprint === source.fingerprint && !isDue(known))) continue;
        if (loads(name)) changed.push({ name, source });
        else if (!known) this.#models.set(name, { ...seenNow(source), state: 'UNLOADED' });
      }
      // What waits is told to be loading too. Nothing is released before all are in service: its parts might be another's.
      for (const { name, source } of changed) {
        if (!this.#models.has(name)) this.#models.set(name, { ...seenNow(source), state: 'LOADING' });
      }
      this.#looked = true;
      const areEnsembles = await Promise.all(changed.map(({ source }) => isEnsemble(source)));
      const waiting = changed.filter((_, i) => !areEnsembles[i]).values();
      const loadNext = async () => {
        for (const { name, source } of waiting) await this.#load(name, noOverride, source);
      };
      const ends = await Promise.allSettled(Array.from({ length: loadsAtOnce }, loadNext));
      for (const { name, source } of changed.filter((_, i) => areEnsembles[i])) {
        // It may have been loaded already, for another that it is a part of.
        const before = this.#models.get(name);
        if (before?.fingerprint === source.fingerprint && before.state === 'SETTLED' && !isDue(before))
          continue;
        await this.#load(name, noOverride, source);
      }
      await this.#loadUsers(changed.map(({ name }) => name));
      if (changed.length > 0) await this.#release();
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
      for (const [name, known] of this.#models) {
        if (names.includes(name) || known.given) continue;
        if (known.served.length > 0) this.#options.plane.drop(name);
        this.#models.delete(name);
        this.#options.logger.info({ model: name }, 'model is gone from the repository: unloaded');
        await this.#release();
      }
    });
  }

  #tellPassedOver(folders: readonly string[]): void {
    for (const folder of folders) {
      if (this.#passedOver.has(folder)) continue;
      this.#passedOver.add(folder);
      this.#options.logger.warn(
        { folder },
        'a folder of the repository is no model: a name has letters, digits, dots, dashes and underscores, 128 at most; rename it',
      );
    }
  }

  /** The folder of a model as it is now; null for one that is gone, or cannot be read, which is noted. */
  async #seen(name: string): Promise<ModelSource | null> {
    try {
      return await folderSource(join(this.#options.directory, name));
    } catch (error) {
      // One folder that cannot be read keeps none of the others from being loaded.
      const problem = errorMessage(error);
      const known = this.#models.get(name);
      if (known?.problems.get('') === problem) return null;
      this.#models.set(name, { ...seenNow(null, known), problems: new Map([['', problem]]) });
      this.#options.logger.error({ model: name, problem }, 'the folder of a model cannot be read');
      return null;
    }
  }

  /** Resolves when no change is under way. */
  async settled(): Promise<void> {
    await this.#last;
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Makes the ensembles anew that these models are parts of, and those that they are parts of. */
  async #loadUsers(changed: readonly string[]): Promise<void> {
    const seen = new Set(changed);
    for (const model of seen) {
      for (const [name, { uses, state, given }] of this.#models) {
        if (seen.has(name) || !uses.includes(model) || state === 'UNLOADED' || given) continue;
        seen.add(name);
        await this.#load(name, noOverride);
      }
    }
  }

  /** Has the models loaded that an ensemble is made of, where nobody has tried it. */
  async #loadUsed(name: string, uses: readonly string[], within: readonly string[]): Promise<void> {
    for (const used of uses) {
      if (within.includes(used)) {
        throw new Error(`circular dependency between ensembles: ${[...within, used].join(' -> ')}`);
      }
      const nameProblem = problemOfName(used);
      if (nameProblem) throw new Error(`ensemble ${name} contains the model '${used}': ${nameProblem}`);
      const known = this.#models.get(used);
      if (known && (known.state === 'SETTLED' || known.served.length > 0)) continue;
      await this.#load(used, noOverride, undefined, within);
    }
    const missing = uses.filter((used) => !this.#models.get(used)?.served.length);
    if (missing.length === 0) return;
    throw new Error(
      `ensemble ${name} contains models that are not available or ambiguous: ${missing.join(', ')}`,
    );
  }

  /**
   * Loads what the policy wants, puts what answers into service, and gives the first problem in Triton's words: one of
   * the model as a whole (`failed to load …`), or of a version (`load failed …`).
   *
   * @param within the ensembles that it is loaded for
   */
  async #load(
    name: string,
    override: LoadOverride,
    seen?: ModelSource,
    within: readonly string[] = [],
  ): Promise<string | null> {
    const { directory, logger, plane, loader } = this.#options;
    const folder = seen ?? (await folderSource(join(directory, name)));
    const last = this.#models.get(name)?.retry ?? null;
    // What a request brought along is not there any more when its time has come.
    const retryOf = (errors: readonly unknown[]) =>
      override.config === null && errors.some(mayPass) ? nextRetry(last, Date.now()) : null;
    let read: ReadModel | undefined;
    try {
      read = await this.#read(name, folder, override);
      await this.#loadUsed(name, read.uses, [...within, name]);
    } catch (error) {
      const problem = errorMessage(error);
      logger.error({ model: name, problem }, 'model not loaded as it is');
      const before = this.#models.get(name);
      // What a request brought along and was refused says nothing of the repository; neither is a name in it that is nowhere.
      if (override.config === null && (before ?? folder)) {
        const problems = new Map([['', problem]]);
        const uses = read?.uses ?? [];
        this.#models.set(name, { ...seenNow(folder, before), problems, uses, retry: retryOf([error]) });
      }
      return `failed to load '${name}', failed to poll from model repository: ${problem}`;
    }
    const { source, config, uses } = read;
    // The folder of an ensemble's version holds nothing, and is lost where empty folders are.
    const versions = uses.length > 0 && source.versions.length === 0 ? ['1'] : source.versions;
    const known: Known = {
      ...seenNow(folder, this.#models.get(name)),
      versions,
      given: override.files.size > 0,
      overridden: override.config !== null,
      uses,
      state: 'LOADING',
    };
    this.#models.set(name, known);
    const { wanted, missing } = chooseVersions(config.version_policy, versions);
    const { loaded, problems, errors } = await this.#loadVersions(name, wanted, read, known.served);
    if (wanted.length === 0) problems.set('', noVersionText(config, missing));
    if (loaded.length > 0) {
      await plane.swap(this.#route(name, loaded, config), loader.modelOf);
      logger.info({ model: name, versions: loaded.map((s) => s.version) }, 'model in service');
    }
    const served = loaded.length > 0 ? loaded : known.served;
    const [worst] = problems;
    for (const version of missing) problems.set(version, 'it has no folder, and the version policy names it');
    if (missing.length > 0)
      logger.warn({ model: name, versions: missing }, 'versions of the policy have no folder');
    const retry = retryOf(errors);
    if (retry) logger.info({ model: name, at: formatTime(retry.atMs) }, 'the model is tried again');
    this.#models.set(name, { ...known, served, problems, retry, state: 'SETTLED' });
    if (!worst) return null;
    const [version, problem] = worst;
    const at = version === '' ? '' : `version ${version} is at UNAVAILABLE state: `;
    return `load failed for model '${name}': ${at}${problem}`;
  }

  /** What a model is made of: its folder, or what a request brought along. Throws an Error for what is no model. */
  async #read(name: string, folder: ModelSource | null, override: LoadOverride): Promise<ReadModel> {
    const given = override.files.size > 0;
    if (given && override.config === null) throw new Error('files need a config with them');
    const source = given ? givenSource(override.files) : folder;
    if (!source) throw new Error(`there is no folder "${name}" in it`);
    const config = await this.#config(name, source, override);
    const uses = [...new Set(ensembleSteps(name, config).map((step) => step.model_name))];
    return { source, config, uses };
  }

  /**
   * Loads versions, newest first in what it returns. One that cannot be loaded is told of by its number in `problems`,
   * and what was in service of it stays.
   */
  async #loadVersions(
    name: string,
    wanted: readonly string[],
    { source, config }: ReadModel,
    before: readonly Served[],
  ) {
    const loaded: Served[] = [];
    const problems = new Map<string, string>();
    const errors: unknown[] = [];
    for (const version of wanted) {
      try {
        loaded.unshift(await this.#loadVersion(name, version, source, config));
      } catch (error) {
        errors.push(error);
        const problem = errorMessage(error);
        problems.set(version, problem);
        this.#options.logger.error({ model: name, version, problem }, 'model version not loaded');
        const old = before.find((s) => s.version === version);
        if (old) loaded.unshift(old);
      }
    }
    return { loaded, problems, errors };
  }

  /** A version, loaded and warm. Where it was only guessed that a dimension counts rows, it may turn out to count none. */
  async #loadVersion(
    name: string,
    version: string,
    source: ModelSource,
    config: ModelConfig,
  ): Promise<Served> {
    const { blobs, mlflow = null } = this.#options;
    const build = (attempt: ModelConfig): Promise<BuiltVersion> =>
      attempt.ensemble_scheduling
        ? buildEnsemble(name, version, attempt, source, blobs, (step) => this.#partOf(name, step))
        : buildVersion(name, version, source, attempt, blobs, mlflow);
    const tried = async (attempt: ModelConfig): Promise<Served> => {
      const built = await build(attempt);
      await this.#options.loader.ensure(this.#route(name, [{ version, ...built }], attempt));
      return { version, ...built };
    };
    const guessed =
      !config.ensemble_scheduling &&
      mlflowFolder(version, source, config) === null &&
      config.max_batch_size === undefined &&
      !config.input?.length &&
      !config.output?.length;
    if (!guessed) return tried(config);
    try {
      return await tried(config);
    } catch (error) {
      return tried({ ...config, max_batch_size: 0 }).catch(() => Promise.reject(error));
    }
  }

  /** The version in service that a step of an ensemble asks for. */
  async #partOf(ensemble: string, step: Parameters<typeof versionOfStep>[0]): Promise<EnsemblePart> {
    const version = versionOfStep(step);
    const { served = [] } = this.#models.get(step.model_name) ?? {};
    const found = version === null ? served[0] : served.find((s) => s.version === version);
    if (!found) {
      const problem = `depends on '${step.model_name}' whose required version ${version} is not loaded`;
      throw new Error(`ensemble '${ensemble}' ${problem}`);
    }
    const bytes = await this.#options.blobs.bytes(found.digest);
    return {
      digest: found.digest,
      manifest: packageManifestSchema.parse(JSON.parse(bytes.toString('utf8'))),
    };
  }

  async #config(name: string, source: ModelSource, override: LoadOverride): Promise<ModelConfig> {
    const bytes = override.config === null ? await source.read(configFileName) : null;
    const text = bytes && new TextDecoder().decode(bytes);
    const { config, ignored } =
      override.config !== null ? readConfigJson(override.config) : readConfigText(text ?? '');
    if (ignored.length > 0) {
      this.#options.logger.warn(
        { model: name, fields: ignored },
        'fields of the configuration change nothing here',
      );
    }
    if (config.name && config.name !== name) {
      throw new Error(
        `unexpected directory name '${name}' for model '${config.name}': they must be the same`,
      );
    }
    const kind = config.platform || config.backend;
    if (kind && !/^(onnx|mlflow$|ensemble$)/.test(kind)) {
      throw new Error(
        `"${kind}" is not served here: graphs of ONNX (onnxruntime), models of MLflow (mlflow) and ensembles of them are`,
      );
    }
    optionsOf(config);
    return config;
  }

  /** The newest version answers whoever names none; all of them answer those who do. */
  #route(name: string, served: readonly Served[], config: ModelConfig): EndpointRoute {
    return {
      endpoint: name,
      model: name,
      routeVersion: ++this.#routeVersion,
      salt: uuidv7(),
      entityFeature: null,
      eventTimeFeature: null,
      options: optionsOf(config, this.#options.requireKey),
      arms: served.map(({ version, digest }, i) => ({
        arm: i === 0 ? 'champion' : `version-${version}`,
        modelVersion: version,
        packageDigest: digest,
        weight: i === 0 ? 1 : 0,
      })),
      shadow: null,
    };
  }

  /** Closes models that nobody serves any more; requests under way end first. */
  async #release(): Promise<void> {
    await this.#options.loader.keepOnly(this.#options.plane.endpoints.map((state) => state.route));
  }
}

/** Why there is no version that the version policy wants. */
function noVersionText({ version_policy }: ModelConfig, missing: readonly string[]): string {
  if (version_policy?.specific?.versions.length === 0) {
    return 'version_policy.specific names no versions: list at least one, or leave version_policy out for the newest';
  }
  return `it has no version folder (${missing.length > 0 ? missing.join(', ') : '1, 2, …'})`;
}

/** Is its own configuration that of an ensemble? */
async function isEnsemble(source: ModelSource): Promise<boolean> {
  const bytes = await source.read(configFileName).catch(() => null);
  return bytes !== null && /\bensemble_scheduling\b/.test(new TextDecoder().decode(bytes));
}

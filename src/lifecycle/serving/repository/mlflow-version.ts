import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, type Digest, digestOf } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { NotPackaged, type PythonSettings, packageInThread } from '../packaging/package-in-thread.ts';
import type { ModelConfig } from './model-config.ts';
import type { ModelSource } from './model-source.ts';
import { pieces } from './pieces.ts';

/** What models of MLflow are packaged with. */
export interface MlflowPackager {
  readonly python: PythonSettings;
  readonly blobs: BlobStore;
  readonly blobsDirectory: string;
  /** Keeps what was packaged, so that the same files are not converted again. */
  readonly directory: string;
  readonly logger: Logger;
}

/** The parameter of a configuration that says what runs a model of MLflow. */
const runtimeParameter = 'millrace.runtime';
const runtimes = ['auto', 'onnx', 'python'] as const;
/** Packages that are kept for files that come again. */
const keptPackages = 50;

/**
 * The folder of a version that holds its MLmodel, as `1/model/`; null for a version that is no model of MLflow, or
 * whose configuration says that it is a graph of ONNX.
 */
export function mlflowFolder(version: string, source: ModelSource, config: ModelConfig): string | null {
  if (/^onnx/.test(config.platform || config.backend || '')) return null;
  const found = source.paths
    .filter((path) => path.startsWith(`${version}/`) && path.endsWith('/MLmodel'))
    .sort((a, b) => a.length - b.length);
  return found[0]?.slice(0, -'MLmodel'.length) ?? null;
}

/**
 * Makes a package of a model of MLflow as it lies in the repository: ONNX where it has such a form that is as good,
 * else the model itself, run as Python. Throws an Error that says what is wrong.
 */
export async function packageMlflow(
  { python, blobs, blobsDirectory, directory, logger }: MlflowPackager,
  name: string,
  folder: string,
  source: ModelSource,
  config: ModelConfig,
): Promise<Digest> {
  const given = config.parameters?.[runtimeParameter]?.string_value ?? 'auto';
  const runtime = runtimes.find((r) => r === given);
  if (!runtime) throw new Error(`the parameter ${runtimeParameter} is "${given}": auto, onnx or python`);
  const files: { path: string; digest: Digest }[] = [];
  for (const path of source.paths.filter((p) => p.startsWith(folder))) {
    const bytes = await source.read(path);
    if (!bytes) continue;
    const { digest } = await blobs.put(pieces(bytes));
    files.push({ path: path.slice(folder.length), digest });
  }
  const key = digestOf(canonicalJson({ name, runtime, files })).slice('sha256:'.length);
  const kept = new KeptPackages(directory, blobs);
  const known = await kept.find(key);
  if (known) return known;
  const job = { blobsDirectory, python };
  const inputs = { model: name, files, contract: null, holdout: null };
  const onLine = (line: string) => logger.info({ model: name }, line);
  const digest = await packageInThread({ ...job, inputs: { ...inputs, runtime } }, onLine).catch((error) => {
    // Where the packages that convert are not there, the model can still be run as it is.
    const instead = runtime === 'auto' && error instanceof NotPackaged && error.code === 'python_missing';
    if (!instead) throw error;
    logger.warn({ model: name, problem: error.message }, 'not converted: it is run as Python');
    return packageInThread({ ...job, inputs: { ...inputs, runtime: 'python' } }, onLine);
  });
  await kept.keep(key, digest);
  return digest;
}

/** Packages by what they were made of: `<key>.json`, the manifest, and `<key>.onnx`, its graph. */
class KeptPackages {
  readonly #directory: string;
  readonly #blobs: BlobStore;

  constructor(directory: string, blobs: BlobStore) {
    this.#directory = directory;
    this.#blobs = blobs;
  }

  async find(key: string): Promise<Digest | null> {
    const file = (suffix: string) => join(this.#directory, `${key}.${suffix}`);
    const text = await readFile(file('json'), 'utf8').catch(() => null);
    if (text === null) return null;
    const { onnx } = packageManifestSchema.parse(JSON.parse(text));
    if (onnx !== null) await this.#blobs.put(pieces(await readFile(file('onnx'))));
    const { digest } = await this.#blobs.put(text);
    const now = new Date();
    await utimes(file('json'), now, now);
    return digest;
  }

  async keep(key: string, digest: Digest): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const bytes = await this.#blobs.bytes(digest);
    const { onnx } = packageManifestSchema.parse(JSON.parse(bytes.toString('utf8')));
    if (onnx !== null) {
      const graph = await this.#blobs.bytes(onnx);
      await writeFile(join(this.#directory, `${key}.onnx`), graph);
    }
    await writeFile(join(this.#directory, `${key}.json`), bytes);
    await this.#trim();
  }

  async #trim(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith('.json'));
    const times = await Promise.all(
      names.map(async (name) => ({ name, usedMs: (await stat(join(this.#directory, name))).mtimeMs })),
    );
    const old = times.sort((a, b) => b.usedMs - a.usedMs).slice(keptPackages);
    for (const { name } of old) {
      await rm(join(this.#directory, name), { force: true });
      await rm(join(this.#directory, name.replace(/json$/, 'onnx')), { force: true });
    }
  }
}

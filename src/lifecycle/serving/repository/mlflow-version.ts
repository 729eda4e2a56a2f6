import { canonicalJson, type Digest, digestOf } from '../../../core/json.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { NotPackaged, type PythonSettings, packageInThread } from '../packaging/package-in-thread.ts';
import { packagerVersion } from '../packaging/packager-version.ts';
import { KeptPackages } from './kept-packages.ts';
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
  const key = digestOf(canonicalJson({ name, runtime, files, packagerVersion })).slice('sha256:'.length);
  const kept = new KeptPackages(directory, blobs, keptPackages);
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

import { canonicalJson, type Digest } from '../../../core/json.ts';
import { type PackageManifest, packageManifestSchema } from '../../../core/model-package.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import { importOnnxAside } from '../../../platform/onnx/index.ts';
import { derivePackage } from './derive-package.ts';
import { fullConfig, graphPath } from './full-config.ts';
import { labelled } from './labels.ts';
import { type MlflowPackager, mlflowFolder, packageMlflow } from './mlflow-version.ts';
import type { ModelConfig } from './model-config.ts';
import type { ModelSource } from './model-source.ts';
import { pieces } from './pieces.ts';
import { warmUpRows } from './warm-up-rows.ts';

/** A version of a model in the repository, made into a package that the data plane can load. */
export interface BuiltVersion {
  readonly digest: Digest;
  /** In Triton's form; null: as its signature tells. */
  readonly config: Readonly<Record<string, unknown>> | null;
}

/**
 * Makes a package of one version, a graph of ONNX or a model of MLflow, and stores its blobs. Throws an Error (or
 * `onnx_invalid`) that says what is wrong.
 *
 * @param mlflow what packages models of MLflow; null: there is no Python here
 */
export async function buildVersion(
  name: string,
  version: string,
  source: ModelSource,
  config: ModelConfig,
  blobs: BlobStore,
  mlflow: MlflowPackager | null,
): Promise<BuiltVersion> {
  const folder = mlflowFolder(version, source, config);
  if (folder !== null) {
    if (!mlflow) throw new Error('it is a model of MLflow, and this server has no Python');
    const digest = await packageMlflow(mlflow, name, folder, source, config);
    return { digest, config: null };
  }
  const path = graphPath(version, config);
  const bytes = await source.read(path);
  if (!bytes) throw new Error(`version ${version} has no file ${path}, and no MLmodel`);
  const onnx = await importOnnxAside(bytes, {
    fixedBatch: 'keep',
    callerInputs: config.input?.map((input) => input.name) ?? [],
  });
  const derived = derivePackage(onnx, config);
  const graph = await blobs.put(pieces(onnx.bytes));
  const manifest: PackageManifest = packageManifestSchema.parse({
    formatVersion: 1,
    model: name,
    onnx: graph.digest,
    signature: derived.signature,
    graph: { ...derived.graph, outputs: await labelled(derived.graph.outputs, version, source, config) },
    score: null,
    classes: onnx.classes,
    contract: null,
    sample: warmUpRows(derived, config),
    tensors: derived.tensors,
  });
  const { digest } = await blobs.put(canonicalJson(manifest));
  return { digest, config: fullConfig(name, config, derived) };
}

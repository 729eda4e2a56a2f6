import type { Digest } from '../core/json.ts';
import { packageManifestSchema } from '../core/model-package.ts';
import { packageOutputsSchema } from '../lifecycle/serving/index.ts';
import type { DeploymentPorts } from '../loop/index.ts';
import { systemActor as system } from '../platform/access/index.ts';
import type { BlobStore } from '../platform/blobs/index.ts';
import type { LoopSlices } from './loop-slices.ts';

/** The slices' front doors for deployments without a loop. */
export function createDeploymentPorts(slices: LoopSlices): DeploymentPorts {
  const { registry, experiments, serving, blobs } = slices;
  return {
    version: (model, version) => registry.getVersion(system, model, version),
    packageInputs: async (model, modelId, runtime) => {
      const files = await experiments.models.files(system, modelId);
      const chosen = runtime === undefined ? {} : { runtime };
      return { model, files: files.map(({ path, digest }) => ({ path, digest })), ...chosen };
    },
    runtimeOf: async (digest) => (await manifestOf(blobs, digest)).runtime.kind,
    attach: async ({ model, version, modelId }, outputs) => {
      const { digest } = packageOutputsSchema.parse(outputs);
      const signature = await signatureOf(blobs, digest);
      await registry.createVersion(system, { name: model, version, digest, modelId, signature });
      return digest;
    },
    deploy: async (actor, { endpoint, model, version, digest }, reason) => {
      const target = { modelVersion: String(version), packageDigest: digest };
      const { routeVersion } = await serving.deployModel(actor, { name: endpoint, model }, target, reason);
      const { loading } = await serving.reached(endpoint, routeVersion);
      return { routeVersion, loading };
    },
  };
}

/** The inputs and outputs of a packaged model. */
export async function signatureOf(blobs: BlobStore, packageDigest: Digest) {
  return (await manifestOf(blobs, packageDigest)).signature;
}

async function manifestOf(blobs: BlobStore, packageDigest: Digest) {
  const manifest = await blobs.bytes(packageDigest);
  return packageManifestSchema.parse(JSON.parse(manifest.toString()));
}

import { fail } from '../../../core/errors.ts';
import { canonicalJson, type Digest } from '../../../core/json.ts';
import {
  type ModelSignature,
  type PackageManifest,
  packageManifestSchema,
} from '../../../core/model-package.ts';
import { packagesOf, remoteRuntimeSchema } from '../../../core/package-runtime.ts';
import { withoutPassword } from '../../../core/without-password.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import type { CreatedPackage, CreatePackage } from './contract.ts';
import type { RemoteSecrets } from './remote-secrets.ts';

export interface NewVersion {
  readonly model: string;
  readonly digest: Digest;
  readonly signature: ModelSignature;
  readonly description: string;
}

interface PackageServiceOptions {
  readonly blobs: BlobStore;
  readonly secrets: RemoteSecrets;
  /** Registers a package as a version of a model, with its audit entry; gives the version that has it already. */
  readonly register: (actor: Actor, version: NewVersion) => Promise<number>;
}

/** Versions that are no logged models: models on other servers, and graphs of packages. */
export class PackageService {
  readonly #options: PackageServiceOptions;

  constructor(options: PackageServiceOptions) {
    this.#options = options;
  }

  /**
   * Finds out the signature, stores the package and registers it. Throws `package_refused`, `graph_invalid`,
   * `remote_unavailable`, `remote_timeout`, `remote_failed`; `invalid_input` for *** in place of an unknown password.
   */
  async create(actor: Actor, { model, runtime, description }: CreatePackage): Promise<CreatedPackage> {
    authorize(actor, 'registry:write');
    const manifest =
      runtime.kind === 'remote' ? await this.#remote(model, runtime) : await this.#graph(model, runtime);
    const { digest } = await this.#options.blobs.put(canonicalJson(manifest));
    const { signature, score } = manifest;
    const version = await this.#options.register(actor, { model, digest, signature, description });
    return { model, version, digest, signature, score };
  }

  /**
   * The packages that a graph of packages is made of, each once, in the order of its steps; none for any other
   * package. Throws `package_refused` when the digest is of no package, and as the blob store does when it is gone.
   */
  async graphParts(digest: Digest): Promise<readonly Digest[]> {
    const { runtime } = await this.#manifest(digest);
    return runtime.kind === 'graph' ? [...packagesOf(runtime.step)] : [];
  }

  /** Without the password of the address, which is kept apart. */
  async #remote(
    model: string,
    runtime: Extract<CreatePackage['runtime'], { kind: 'remote' }>,
  ): Promise<PackageManifest> {
    const { secrets } = this.#options;
    // Loaded when it is needed: control runs no models.
    const { describeRemote } = await import('../../../platform/runtimes/index.ts');
    const url = await secrets.meant(runtime.url);
    const manifest = await describeRemote(model, { ...runtime, url });
    const secret = await secrets.keep(url);
    if (secret === null) return manifest;
    const { binary } = remoteRuntimeSchema.parse(manifest.runtime);
    return { ...manifest, runtime: { ...runtime, binary, url: withoutPassword(url), secret } };
  }

  async #graph(
    model: string,
    { step }: Extract<CreatePackage['runtime'], { kind: 'graph' }>,
  ): Promise<PackageManifest> {
    const { describeGraph } = await import('../../../platform/runtimes/index.ts');
    return describeGraph(model, step, (digest) => this.#manifest(digest));
  }

  async #manifest(digest: Digest): Promise<PackageManifest> {
    const bytes = await this.#options.blobs.bytes(digest);
    try {
      return packageManifestSchema.parse(JSON.parse(bytes.toString('utf8')));
    } catch (cause) {
      const remedy = 'Name the digest of a packaged version (GET /api/v1/registered-models/<name>/versions).';
      throw fail('package_refused', { problem: `blob ${digest} is no package`, remedy }, cause);
    }
  }
}

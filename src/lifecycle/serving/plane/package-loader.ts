import type { Readable } from 'node:stream';
import { fail, MillraceError } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { type PackageManifest, packageManifestSchema } from '../../../core/model-package.ts';
import { parseInput } from '../../../core/schema.ts';
import { withoutPassword } from '../../../core/without-password.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { QuietCollection } from '../../../platform/memory/index.ts';
import { ModelPlacer, runtimeMessage } from '../../../platform/onnx/index.ts';
import type { RuntimeHosts } from '../../../platform/runtimes/index.ts';
import type { EndpointRoute, ReplicaModel } from '../contract.ts';
import { graphVersion } from '../packaging/packager-version.ts';
import { LoadedPackage } from './loaded-package.ts';
import { featureContractSchema } from './row-check.ts';
import { placeRuntime } from './runtime.ts';

/**
 * Model packages on the replica's disk and in its memory. A package is fetched once, checked against its
 * digest, kept on the disk, loaded and warmed up; it is closed when no route needs it any more.
 */
export class PackageLoader {
  readonly #blobs: BlobStore;
  readonly #fetchBlob: (digest: Digest) => Promise<Readable>;
  readonly #hosts: RuntimeHosts;
  readonly #placer: ModelPlacer;
  readonly #logger: Logger | null;
  readonly #loaded = new Map<Digest, LoadedPackage>();
  readonly #states = new Map<Digest, ReplicaModel>();
  /** All blobs that a package is made of, packages that it uses included; of one that failed, those it came to. */
  readonly #parts = new Map<Digest, Set<Digest>>();
  /** Whether the disk was looked through for what an earlier process left. */
  #isSwept = false;
  /** Routes and models that were replaced leave up to half a gigabyte of garbage after a thousand deployments. */
  readonly #garbage = new QuietCollection();
  #isClosed = false;

  constructor(
    blobs: BlobStore,
    fetchBlob: (digest: Digest) => Promise<Readable>,
    hosts: RuntimeHosts = { python: null },
    logger: Logger | null = null,
  ) {
    this.#blobs = blobs;
    this.#hosts = hosts;
    this.#logger = logger;
    this.#placer = new ModelPlacer({
      onThread: (model, state, problem) =>
        logger?.[state === 'stopped' ? 'error' : 'info'](
          { model, problem },
          `the thread of a model ${state}`,
        ),
      onMove: (model, runMs) =>
        logger?.warn(
          { model, runMs: Math.round(runMs) },
          'a run of a model held up all others: it computes on a thread of its own from now on',
        ),
    });
    this.#fetchBlob = fetchBlob;
  }

  get models(): readonly ReplicaModel[] {
    return [...this.#states.values()];
  }

  /** A loaded model; every digest of a route must have been ensured before. */
  readonly modelOf = (digest: Digest): LoadedPackage => {
    const model = this.#loaded.get(digest);
    if (!model) throw new Error(`package ${digest} is not loaded`);
    return model;
  };

  /** Whether every model of a route is loaded. */
  hasAll(route: EndpointRoute): boolean {
    return packagesOf(route).every((digest) => this.#loaded.has(digest));
  }

  /** Has every model of a route loaded and warm. Throws what kept one of them from it. */
  async ensure(route: EndpointRoute): Promise<void> {
    for (const digest of packagesOf(route)) {
      if (this.#loaded.has(digest)) continue;
      this.#states.set(digest, { digest, state: 'loading' });
      try {
        this.#loaded.set(digest, await this.#load(digest));
        this.#states.set(digest, { digest, state: 'ready', ...placementOf(this.modelOf(digest)) });
      } catch (error) {
        const message = error instanceof MillraceError ? error.message : runtimeMessage(error);
        this.#states.set(digest, { digest, state: 'failed', error: message });
        throw error;
      }
    }
  }

  /**
   * Closes the models that none of these routes needs (requests under way end first) and removes from the disk
   * what belongs to none of the others.
   */
  async keepOnly(routes: readonly EndpointRoute[]): Promise<void> {
    const needed = new Set(routes.flatMap(packagesOf));
    for (const digest of this.#states.keys()) {
      if (needed.has(digest)) continue;
      this.#states.delete(digest);
      const model = this.#loaded.get(digest);
      this.#loaded.delete(digest);
      model?.retire().catch((error: unknown) => {
        this.#logger?.error(
          { model: model.manifest.model, digest, err: error },
          'a model could not be closed',
        );
      });
    }
    const kept = new Set<Digest>();
    const dropped = new Set<Digest>();
    for (const [digest, parts] of this.#parts) {
      const isLoaded = this.#loaded.has(digest);
      if (!isLoaded) this.#parts.delete(digest);
      for (const part of parts) (isLoaded ? kept : dropped).add(part);
    }
    for await (const digest of this.#isSwept ? dropped : this.#onDisk())
      if (!kept.has(digest)) await this.#blobs.delete(digest);
    this.#isSwept = true;
    this.#garbage.changed();
  }

  async *#onDisk(): AsyncIterable<Digest> {
    for await (const { digest } of this.#blobs.list()) yield digest;
  }

  /**
   * Closes all models, once the requests under way at them are over, and the thread that loads them. One that is being
   * loaded is closed when it is, and `ensure` throws.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#garbage.close();
    const models = [...this.#loaded.values()];
    this.#loaded.clear();
    await Promise.all([this.#placer.close(), ...models.map((model) => model.retire())]);
  }

  async #load(digest: Digest): Promise<LoadedPackage> {
    const parts = new Set([digest]);
    this.#parts.set(digest, parts);
    const manifest = parseInput(packageManifestSchema, await this.#json(digest), 'package');
    if (manifest.contract) parts.add(manifest.contract);
    const contract = manifest.contract
      ? parseInput(featureContractSchema, await this.#json(manifest.contract), 'contract')
      : null;
    const bytesOf = (blob: Digest) => {
      parts.add(blob);
      return this.#bytes(blob);
    };
    const version = digest.slice(0, 15);
    const loaded = await placeRuntime(manifest, bytesOf, this.#placer, this.#hosts, version);
    const model = await LoadedPackage.warm(digest, manifest, contract, loaded).catch(async (error) => {
      await loaded.model.close();
      throw error;
    });
    if (this.#isClosed) {
      await model.retire();
      throw new Error('the models were closed while one was being loaded');
    }
    const { conversion, packager = 0 } = manifest;
    if (conversion?.used && packager < graphVersion) {
      this.#logger?.warn(
        { model: manifest.model, digest },
        'packaged by an earlier Millrace, which made the graph otherwise or compared it with the model less closely: register the logged model as a new version to have it packaged anew',
      );
    }
    if (hasOpenPassword(manifest)) {
      this.#logger?.warn(
        { model: manifest.model, digest },
        'the package has the password of its server in the open, as those of an earlier Millrace do: register it as a new version, and change the password',
      );
    }
    const { maxRows, placement } = model;
    this.#logger?.info({ model: manifest.model, digest, maxRows, ...placement }, 'model loaded and warm');
    return model;
  }

  async #json(digest: Digest): Promise<unknown> {
    const text = (await this.#bytes(digest)).toString('utf8');
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw fail('onnx_invalid', { problem: `package blob ${digest} is not JSON` }, cause);
    }
  }

  async #bytes(digest: Digest): Promise<Buffer> {
    if (!(await this.#blobs.info(digest))) await this.#blobs.put(await this.#fetchBlob(digest), digest);
    return this.#blobs.bytes(digest);
  }
}

/** Where a model computes and why, for whoever looks at the replica. */
function placementOf({ placement, maxRows }: LoadedPackage): Pick<ReplicaModel, 'placement'> {
  if (!placement) return {};
  const round = (ms: number) => Math.round(ms * 1000) / 1000;
  const runs = placement.runs.map(({ rows, ms }) => ({ rows, ms: round(ms) }));
  return { placement: { place: placement.place, maxRows, loadMs: round(placement.loadMs), runs } };
}

function hasOpenPassword({ runtime }: PackageManifest): boolean {
  return runtime.kind === 'remote' && withoutPassword(runtime.url) !== runtime.url;
}

function packagesOf(route: EndpointRoute): Digest[] {
  const shadow = route.shadow ? [route.shadow.packageDigest] : [];
  return [...route.arms.map((arm) => arm.packageDigest), ...shadow];
}

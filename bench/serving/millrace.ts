import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { canonicalJson, type Digest } from '../../src/core/json.ts';
import { type PackageManifest, packageManifestSchema } from '../../src/core/model-package.ts';
import { oneNodeOnnx } from '../../src/lifecycle/serving/repository/testing.ts';
import { importOnnx } from '../../src/platform/onnx/index.ts';
import { startServer, type TestServer } from '../../test/support/server.ts';
import { startTestControl, type TestControl } from '../../test/support/serving.ts';
import { pinToCore } from '../support/index.ts';
import { python, script } from './peers.ts';

export const FEATURES = 30;
export const imageShape = [3, 224, 224];
const columns = Array.from({ length: FEATURES }, (_, i) => `f${i + 1}`);
const actor = { kind: 'user', id: 'bench' } as const;

interface BenchModel {
  /** Folder with model.onnx and mlflow-model. */
  readonly folder: string;
}

/** Trains the model of the benchmark into a folder. */
export async function makeModel(folder: string): Promise<BenchModel> {
  await promisify(execFile)(python, [script('make_model.py'), folder]);
  return { folder };
}

export interface Millrace {
  readonly control: TestControl;
  readonly serve: TestServer;
  readonly grpcUrl: string;
  infer(endpoint: string): { readonly url: string; readonly pid: number };
  /** Puts a package of the model in force as the champion, and another version as challenger with a tenth. */
  deploy(endpoint: string, digest: Digest): Promise<void>;
  /** Stores a package whose digest differs from that of every other name. */
  storeOnnx(name: string): Promise<Digest>;
  storePyfunc(): Promise<Digest>;
  /** A model that answers an image (singles, `imageShape`) with one of the same size. */
  storeImage(): Promise<Digest>;
}

/**
 * Control and one serve process, pinned to a core; requests are checked against signature and contract, routed by
 * entity between two versions, and logged.
 *
 * @param cleanup told what to end afterwards
 */
export async function startMillrace(
  { folder }: BenchModel,
  directory: string,
  core: number,
  cleanup: (fn: () => void | Promise<void>) => void,
): Promise<Millrace> {
  const control = await startTestControl(directory);
  cleanup(control.stop);
  const { blobs, service } = control;
  const serve = await startServer(
    { after: cleanup },
    {
      role: 'serve',
      controlUrl: control.url,
      env: {
        MILLRACE_GRPC_PORT: '0',
        MILLRACE_PYTHON: python,
        MILLRACE_PYTHON_WORKERS: '1',
        MILLRACE_PYTHON_ENVIRONMENT: 'given',
      },
    },
  );
  const grpcPort = /"port":(\d+)[^\n]*gRPC/.exec(serve.log)?.[1];
  pinToCore(serve.pid, core);
  const contract = await blobs.put(
    canonicalJson({ columns: columns.map((name) => ({ name, required: true, range: { min: 0, max: 1 } })) }),
  );
  const store = async (manifest: Omit<PackageManifest, 'formatVersion'>) =>
    (await blobs.put(canonicalJson(packageManifestSchema.parse({ formatVersion: 1, ...manifest })))).digest;
  const inputs = columns.map((name) => ({ name, type: 'double' as const, required: true, shape: [] }));
  const sample = [Object.fromEntries(columns.map((name) => [name, 0.5]))];
  const common = {
    signature: { inputs, outputs: [] },
    primary: null,
    contract: contract.digest,
    sample,
    conversion: null,
  };
  return {
    control,
    serve,
    grpcUrl: `http://127.0.0.1:${grpcPort}`,
    infer: (endpoint) => ({ url: `${serve.serveUrl}/v2/models/${endpoint}/infer`, pid: serve.pid }),
    async deploy(endpoint, packageDigest) {
      await service.declare(actor, { name: endpoint, model: endpoint });
      await service.deploy(actor, endpoint, { modelVersion: '1', packageDigest }, 'bench');
      const { routeVersion } = await service.challenge(
        actor,
        endpoint,
        { modelVersion: '2', packageDigest },
        0.1,
        'bench',
      );
      await service.settled(endpoint, routeVersion);
      // Workers of Python are processes of their own, on the server's core as well.
      pinToCore(serve.pid, core);
    },
    async storeOnnx(name) {
      const graph = importOnnx(await readFile(join(folder, 'model.onnx')));
      return store({
        ...common,
        model: name,
        runtime: { kind: 'onnx' },
        onnx: (await blobs.put(graph.bytes)).digest,
        graph: {
          inputs: graph.inputs.map((tensor) => ({ ...tensor, columns })),
          outputs: [...graph.outputs],
        },
        score: { output: 'probabilities', index: 1 },
        classes: [0, 1],
      });
    },
    async storeImage() {
      const onnx = (await blobs.put(oneNodeOnnx('Relu', ['N', ...imageShape]))).digest;
      const shape = [-1, ...imageShape];
      return store({
        model: 'image',
        runtime: { kind: 'onnx' },
        onnx,
        tensors: 'rows',
        signature: {
          inputs: [{ name: 'x', type: 'float', required: true, shape: imageShape }],
          outputs: [],
        },
        graph: {
          inputs: [{ name: 'x', type: 'float', shape, columns: ['x'] }],
          outputs: [{ name: 'y', type: 'float', shape }],
        },
        primary: null,
        contract: null,
        sample: [],
        conversion: null,
        score: null,
        classes: null,
      });
    },
    async storePyfunc() {
      const logged = join(folder, 'mlflow-model');
      const files = await Promise.all(
        (await readdir(logged)).map(async (path) => ({
          path,
          digest: (await blobs.put(await readFile(join(logged, path)))).digest,
        })),
      );
      const requirements = (await readFile(join(logged, 'requirements.txt'), 'utf8')).trim().split('\n');
      return store({
        ...common,
        model: 'pyfunc',
        runtime: { kind: 'python', flavor: 'sklearn', files, requirements, pythonVersion: null },
        onnx: null,
        signature: {
          inputs: [{ name: 'features', type: 'double', required: true, shape: [FEATURES] }],
          outputs: [],
        },
        contract: null,
        sample: [{ features: Array(FEATURES).fill(0.5) }],
        graph: {
          inputs: [{ name: 'features', type: 'double', shape: [-1, FEATURES], columns: ['features'] }],
          outputs: [{ name: 'prediction', type: 'int64', shape: [-1] }],
        },
        score: null,
        classes: null,
      });
    },
  };
}

import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLogger } from '../../../platform/log/index.ts';
import { Registry } from '../../../platform/metrics/index.ts';
import { encode, type ValueInfo } from '../../../platform/onnx/wire.ts';
import { localFrames } from '../../../platform/segments/testing.ts';
import { Standalone, type StandaloneOptions } from './standalone.ts';

/** A folder of models, and a server of it, for tests. */
export interface TestRepository {
  readonly directory: string;
  readonly serving: Standalone;
  /** Writes a file of a model, all at once; null removes it. */
  put(path: string, content: Uint8Array | string | null): Promise<void>;
  /** Looks at the folder now. */
  poll(): Promise<void>;
}

/** Starts a server of an empty folder that is looked at when `poll` is called. */
export async function testRepository(
  t: TestContext,
  files: Readonly<Record<string, Uint8Array | string>> = {},
  options: Partial<StandaloneOptions> = {},
): Promise<TestRepository> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-repository-'));
  const directory = join(root, 'models');
  const put: TestRepository['put'] = async (path, content) => {
    const target = join(directory, path);
    if (content === null) return rm(target, { recursive: true, force: true });
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${root}/part`, content);
    await rename(`${root}/part`, target);
  };
  await mkdir(directory, { recursive: true });
  for (const [path, content] of Object.entries(files)) await put(path, content);
  const serving = await Standalone.open({
    repository: directory,
    directory: join(root, 'serve'),
    pollMs: 0,
    loadOnly: null,
    keptLogBytes: 1024 ** 3,
    frames: await localFrames(),
    logger: createLogger('serve', 'silent'),
    metrics: new Registry('serve'),
    ...options,
  });
  t.after(async () => {
    await serving.close();
    await rm(root, { recursive: true, force: true });
  });
  await serving.repository.settled();
  return { directory, serving, put, poll: () => serving.repository.poll() };
}

/** Element types of ONNX by number. */
export const float = 1;
export const int64 = 7;
export const text = 8;

function value(name: string, elemType: number, dims: readonly (number | string)[] | null): ValueInfo {
  const dim = dims?.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }));
  return { name, type: { tensorType: { elemType, ...(dim ? { shape: { dim } } : {}) } } };
}

/**
 * A graph of one node from `x` to `y`, of the same dimensions and, unless told otherwise, the same type.
 *
 * @param dims null: the graph tells none
 */
export function oneNodeOnnx(
  opType: string,
  dims: readonly (number | string)[] | null,
  elemType: number = float,
  outputType: number = elemType,
): Uint8Array {
  return encode('Model', {
    irVersion: 8,
    opsetImport: [{ domain: '', version: 15 }],
    graph: {
      name: 'test',
      node: [encode('Node', { opType, input: ['x'], output: ['y'] })],
      input: [value('x', elemType, dims)],
      output: [value('y', outputType, dims)],
    },
  });
}

import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf } from '../../core/json.ts';
import type { PackageFile, SignatureField } from '../../core/model-package.ts';
import { createLogger } from '../log/index.ts';
import { PythonHost, type PythonHostOptions, type PythonModel } from './index.ts';

/** The models that `fixtures/save_models.py` saves, to be opened by their names. */
export class SavedModels {
  /** Gone when all is closed. */
  readonly directory: string;
  /** What the models' workers said. */
  readonly lines: string[] = [];
  readonly #python: string;
  readonly #opened: PythonModel[] = [];

  private constructor(python: string, directory: string) {
    this.#python = python;
    this.directory = directory;
  }

  static async make(python: string): Promise<SavedModels> {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-python-'));
    const script = fileURLToPath(new URL('./fixtures/save_models.py', import.meta.url));
    execFileSync(python, [script, join(directory, 'saved')], { stdio: 'ignore' });
    return new SavedModels(python, directory);
  }

  /** @param sample rows that each worker is warmed up with */
  async open(
    name: string,
    inputs: readonly SignatureField[],
    options: Partial<PythonHostOptions> = {},
    sample: readonly (readonly unknown[])[] = [],
  ): Promise<PythonModel> {
    const saved = join(this.directory, 'saved', name);
    const entries = (await readdir(saved, { recursive: true, withFileTypes: true })).filter((e) =>
      e.isFile(),
    );
    const blobs = new Map<string, Uint8Array>();
    const files: PackageFile[] = [];
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const bytes = await readFile(path);
      blobs.set(digestOf(bytes), bytes);
      files.push({ path: relative(saved, path), digest: digestOf(bytes) });
    }
    const host = new PythonHost({
      python: this.#python,
      directory: join(this.directory, 'host'),
      mode: 'given',
      wheels: null,
      cacheBytes: 1e9,
      workers: 1,
      memoryBytes: 2e9,
      timeoutMs: 300_000,
      logger: createLogger('test', 'silent'),
      ...options,
    });
    const model = await host.open({
      model: name,
      version: '1',
      runtime: { kind: 'python', flavor: 'python_function', files, requirements: [], pythonVersion: null },
      inputs,
      sample,
      bytesOf: async (digest) => blobs.get(digest) ?? new Uint8Array(),
      onLine: (line) => this.lines.push(line),
    });
    this.#opened.push(model);
    return model;
  }

  async close(): Promise<void> {
    for (const model of this.#opened) await model.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

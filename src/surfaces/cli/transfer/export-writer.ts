import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fail } from '../../../core/errors.ts';
import { type Frames, sqlLiteral, sqlName } from '../../../platform/frames/index.ts';
import type { TransferFile } from '../contract.ts';
import {
  artifactFile,
  type ExportRow,
  type ExportTable,
  exportFormat,
  exportTableNames,
  exportTables,
  exportVersion,
  manifestFile,
} from './export-tables.ts';
import { measured } from './import-target.ts';

/** A table of an export as its manifest tells of it. */
interface ManifestTable {
  readonly file: string;
  readonly rows: number;
  readonly digest: string;
}

/**
 * Writes an export: rows as lines of JSON first, then all tables as Parquet, the manifest last. Until the manifest is
 * there, a folder is no export; writing again takes files of artifacts that are there already.
 */
export class ExportWriter {
  readonly #directory: string;
  readonly #parts: string;
  readonly #streams = new Map<ExportTable, { readonly stream: WriteStream; rows: number }>();

  constructor(directory: string) {
    this.#directory = directory;
    this.#parts = join(directory, '.parts');
    mkdirSync(this.#parts, { recursive: true });
    for (const table of exportTableNames) {
      this.#streams.set(table, { stream: createWriteStream(join(this.#parts, `${table}.json`)), rows: 0 });
    }
  }

  /** Adds rows. A NaN has no form in JSON; it travels as text. */
  async add<T extends ExportTable>(table: T, rows: readonly ExportRow<T>[]): Promise<void> {
    const part = this.#streams.get(table);
    if (!part || rows.length === 0) return;
    const lines = rows.map((row) => {
      const value = (row as { readonly value?: unknown }).value;
      return `${JSON.stringify(Number.isNaN(value) ? { ...row, value: 'NaN' } : row)}\n`;
    });
    part.rows += rows.length;
    if (!part.stream.write(lines.join(''))) {
      await new Promise<void>((resolve) => part.stream.once('drain', () => resolve()));
    }
  }

  /** Keeps the bytes of a file under their digest, if they are not there yet. */
  async addFile(file: TransferFile, open: () => Promise<Readable>): Promise<void> {
    const target = join(this.#directory, artifactFile(file.digest));
    const present = await stat(target).catch(() => undefined);
    if (present?.size === file.sizeBytes) return;
    await mkdir(dirname(target), { recursive: true });
    const { stream, seen } = measured(await open());
    const part = `${target}.part`;
    await pipeline(stream, createWriteStream(part));
    const { digest } = seen();
    if (digest !== file.digest)
      throw fail('export_digest_wrong', { file: file.path, digest, wanted: file.digest });
    await rename(part, target);
  }

  /** Writes the Parquet files and the manifest. */
  async finish(
    frames: Frames,
    facts: Readonly<Record<string, unknown>>,
  ): Promise<Record<string, ManifestTable>> {
    const tables: Record<string, ManifestTable> = {};
    for (const table of exportTableNames) {
      const part = this.#streams.get(table);
      if (!part) continue;
      await new Promise<void>((resolve, reject) => {
        part.stream.once('error', reject);
        part.stream.end(() => resolve());
      });
      const file = `${table}.parquet`;
      await this.#toParquet(frames, table, join(this.#directory, file));
      tables[table] = { file, rows: part.rows, digest: await digestOfFile(join(this.#directory, file)) };
    }
    const manifest = { format: exportFormat, version: exportVersion, ...facts, tables };
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    await writeFile(join(this.#parts, manifestFile), text);
    await rename(join(this.#parts, manifestFile), join(this.#directory, manifestFile));
    await rm(this.#parts, { recursive: true });
    return tables;
  }

  async #toParquet(frames: Frames, table: ExportTable, target: string): Promise<void> {
    const columns = Object.entries(exportTables[table]);
    const source = sqlLiteral(join(this.#parts, `${table}.json`));
    const types = columns.map(
      ([name, type]) => `${sqlName(name)}: ${sqlLiteral(name === 'value' ? 'VARCHAR' : type)}`,
    );
    const picked = columns.map(([name, type]) => `CAST(${sqlName(name)} AS ${type}) AS ${sqlName(name)}`);
    const lines = `read_json(${source}, format = 'newline_delimited', maximum_object_size = 33554432, columns = {${types.join(', ')}})`;
    await frames.query(
      `COPY (SELECT ${picked.join(', ')} FROM ${lines}) TO ${sqlLiteral(target)} (FORMAT parquet, COMPRESSION zstd)`,
    );
  }
}

/** SHA-256 of a file's bytes. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest('hex')}`;
}

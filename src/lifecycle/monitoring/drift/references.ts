import type { Digest } from '../../../core/json.ts';
import { type Actor, systemActor } from '../../../platform/access/index.ts';
import type { DirectoryBlobStore } from '../../../platform/blobs/index.ts';
import { type Frames, sqlLiteral, sqlName } from '../../../platform/frames/index.ts';
import { type ColumnProfile, type DataService, type DatasetVersion, timeMsSql } from '../../data/index.ts';
import type { WindowSize } from '../contract.ts';
import { type ColumnKind, type ColumnValues, columnValues, wholeNumberCategories } from './column-values.ts';
import { naturalEffect, referenceWindows } from './natural-effect.ts';

export interface ReferenceColumn {
  readonly kind: ColumnKind;
  readonly values: ColumnValues;
  /** See `naturalEffect`. */
  readonly naturalEffect: number | null;
}

/** The columns of a dataset version that windows can be compared with, by name. */
export interface ReferenceColumns {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ReferenceColumn>;
}

/** Of a larger dataset version so many rows are compared, chosen by a hash of their number. */
const maxReferenceRows = 50_000;
const keptVersions = 8;

/** Reads the reference columns of dataset versions and keeps the ones used last. */
export class References {
  readonly #data: DataService;
  readonly #blobs: DirectoryBlobStore;
  readonly #frames: Frames;
  readonly #actor: Actor = systemActor;
  readonly #kept = new Map<string, Promise<ReferenceColumns>>();
  readonly #scores = new Map<string, Promise<ReferenceColumn>>();

  constructor(data: DataService, blobs: DirectoryBlobStore, frames: Frames) {
    this.#data = data;
    this.#blobs = blobs;
    this.#frames = frames;
  }

  /** Throws `not_found` if the dataset version does not exist. */
  columns(datasetVersionId: string, size: WindowSize): Promise<ReferenceColumns> {
    return remember(this.#kept, `${datasetVersionId}/${size}`, () => this.#read(datasetVersionId, size));
  }

  /** Scores of a Parquet blob with a column `score`. */
  scores(digest: Digest): Promise<ReferenceColumn> {
    return remember(this.#scores, digest, async () => {
      const path = await this.#blobs.path(digest);
      const { columns } = await this.#frames.columns(
        `SELECT score::DOUBLE FROM ${sampled(path, Number.POSITIVE_INFINITY)}`,
      );
      const values = columnValues(columns[0] ?? [], 'numeric');
      return { kind: 'numeric', values, naturalEffect: null };
    });
  }

  /** Scores of the windows that later ones are compared with, read once. */
  firstScores(key: string, read: () => Promise<readonly (readonly unknown[])[]>): Promise<ReferenceColumn> {
    return remember(this.#scores, key, async () => {
      const windows = await read();
      const values = columnValues(windows.flat(), 'numeric');
      return { kind: 'numeric', values, naturalEffect: naturalEffect(values, windows, 'numeric') };
    });
  }

  async #read(id: string, size: WindowSize): Promise<ReferenceColumns> {
    const version = await this.#data.version(this.#actor, id);
    const path = await this.#blobs.path(version.digest);
    const wanted = version.profile.flatMap((profile) => {
      const kind = kindOf(profile, version);
      return kind === null ? [] : [{ name: profile.name, kind }];
    });
    if (wanted.length === 0) return { rows: 0, columns: new Map() };
    const time = version.profile.find(({ name }) => name === version.time);
    const timeMs = time ? timeMsSql(sqlName(time.name), time.storedType) : 'NULL';
    const select = [`${timeMs} AS "time ms"`, ...wanted.map(({ name }) => sqlName(name))].join(', ');
    const { columns } = await this.#frames.columns(`SELECT ${select} FROM ${sampled(path, version.rows)}`);
    const windows = referenceWindows((columns[0] ?? []) as readonly (number | null)[], size);
    return {
      rows: version.rows,
      columns: new Map(
        wanted.map(({ name, kind }, i) => {
          const column = columns[i + 1] ?? [];
          const values = columnValues(column, kind);
          const byWindow = windows.map((rows) => rows.map((row) => column[row]));
          return [name, { kind, values, naturalEffect: naturalEffect(values, byWindow, kind) }];
        }),
      ),
    };
  }
}

/** Looks a value up among those used last, or makes it. What fails is not remembered. */
function remember<T>(kept: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const value = kept.get(key) ?? make();
  kept.delete(key);
  kept.set(key, value);
  value.catch(() => kept.delete(key));
  const [oldest] = kept.keys();
  if (kept.size > keptVersions && oldest !== undefined) kept.delete(oldest);
  return value;
}

function sampled(path: string, rows: number): string {
  const file = `read_parquet(${sqlLiteral(path)}, file_row_number = true)`;
  return rows <= maxReferenceRows ? file : `${file} ORDER BY hash(file_row_number) LIMIT ${maxReferenceRows}`;
}

/** How a column is compared; null for times, lists and the columns that have a role. */
function kindOf(profile: ColumnProfile, version: DatasetVersion): ColumnKind | null {
  if ([version.time, version.entity, version.label].includes(profile.name)) return null;
  if (profile.type === 'string') return 'text';
  if (profile.type === 'boolean') return 'boolean';
  if (profile.type === 'integer') return profile.distinct <= wholeNumberCategories ? 'whole' : 'numeric';
  return profile.type === 'number' ? 'numeric' : null;
}

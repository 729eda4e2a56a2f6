import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { fail, MillraceError } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { type Frames, framesReason, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import { defineRoute, type Route } from '../../platform/http/index.ts';
import type { StoredArtifact } from './artifact-roots/index.ts';
import { type ArtifactRows, artifactContentQuerySchema, artifactRowsSchema } from './contract.ts';
import type { Experiments } from './service.ts';

/** A Parquet file says in its last bytes where its rows are, so it is fetched whole; larger ones are not. */
const mostBytes = 256 * 1024 * 1024;
const mostRows = 200;
const mostColumns = 500;
/** Longer texts are cut. */
const mostCharacters = 1000;

interface ArtifactRowsOptions {
  readonly frames: Frames;
  readonly temporaryDirectory: string;
}

/** The first rows of a Parquet file as texts, for a person to look at. Throws `artifact_no_table`. */
export async function artifactRows(
  { frames, temporaryDirectory }: ArtifactRowsOptions,
  file: StoredArtifact,
): Promise<ArtifactRows> {
  const refuse = (problem: string) => fail('artifact_no_table', { path: file.path, problem });
  if (file.sizeBytes > mostBytes) throw refuse(`it is larger than ${mostBytes} bytes`);
  const copy = join(temporaryDirectory, `artifact-${uuidv7()}.parquet`);
  try {
    await pipeline(await file.read(), createWriteStream(copy));
    const source = sqlLiteral(copy);
    const [counted] = await frames.query(`SELECT num_rows FROM parquet_file_metadata(${source})`);
    const described = await frames.query(`DESCRIBE SELECT * FROM read_parquet(${source})`);
    const columns = described
      .slice(0, mostColumns)
      .map(({ column_name, column_type }) => ({ name: String(column_name), type: String(column_type) }));
    const texts = columns.map(
      ({ name }) => `left(${sqlName(name)}::VARCHAR, ${mostCharacters}) AS ${sqlName(name)}`,
    );
    const read = await frames.columns(
      `SELECT ${texts.join(', ')} FROM read_parquet(${source}) LIMIT ${mostRows}`,
    );
    const length = read.columns[0]?.length ?? 0;
    return {
      columns,
      totalColumns: described.length,
      rows: Array.from({ length }, (_, row) =>
        read.columns.map((values) => (values[row] ?? null) as string | null),
      ),
      totalRows: Number(counted?.num_rows ?? 0),
    };
  } catch (error) {
    throw error instanceof MillraceError && error.code === 'frames_failed'
      ? refuse(framesReason(error))
      : error;
  } finally {
    await rm(copy, { force: true });
  }
}

/** REST: tables among the artifacts of runs and logged models. */
export function artifactRowsRoutes(tracking: Experiments, options: ArtifactRowsOptions): readonly Route[] {
  const { runs, models, artifacts } = tracking;
  const owners = [
    ['runs', 'run', runs],
    ['logged-models', 'logged model', models],
  ] as const;
  return owners.map(([path, name, service]) =>
    defineRoute({
      method: 'GET',
      path: `/api/v1/${path}/:id/artifact-rows`,
      summary: `The first ${mostRows} rows of a Parquet file among a ${name}'s artifacts, as texts`,
      permission: 'read',
      params: z.object({ id: z.string() }),
      query: artifactContentQuerySchema,
      response: artifactRowsSchema,
      async handle({ params, query }, { actor }) {
        const { artifactUri } = await service.get(actor, params.id);
        return artifactRows(options, await artifacts.open(actor, artifactUri, query.path));
      },
    }),
  );
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Frames, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import { groupsOf } from '../relations.ts';
import { keyOf } from './segment-filter.ts';

/** What is read of an entity file for one entity, about. */
const rowGroup = 4_096;

/** SQL literal of an entity as entity files have it: the hash that is in the segment's filter too. */
export function entityHash(entity: string): string {
  const digest = createHash('md5').update(keyOf.entity(entity)).digest();
  return `${digest.readBigUInt64LE(0)}::UBIGINT`;
}

/**
 * Writes which predictions of a segment are of which entity: entity_hash, prediction_id, event_time_ms, in order of
 * the hash, so that what is known of one entity lies together. Rows without an entity are not in it.
 */
export async function writeEntityFile(frames: Frames, segment: string, target: string): Promise<void> {
  const file = `read_parquet(${sqlLiteral(segment)})`;
  await frames.query(
    `COPY (SELECT md5_number_upper('e' || entity) AS entity_hash, prediction_id, event_time_ms FROM ${file}
       WHERE entity IS NOT NULL ORDER BY entity_hash, event_time_ms)
     TO ${sqlLiteral(target)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroup})`,
  );
}

/** Where to look for entities: files as `writeEntityFile` makes them, and segments that have none yet. */
interface EntityFiles {
  readonly indexed: readonly string[];
  readonly segments: readonly string[];
}

export interface EntityQuestion {
  readonly entities: readonly string[];
  /** Event time in [fromMs, toMs). */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** How many, the newest first. */
  readonly limit: number;
}

/** A prediction that is of an entity; of another one in very rare cases (the hash has 64 bits). */
export interface EntityRow {
  readonly predictionId: string;
  readonly eventTimeMs: number;
}

/** A file and the entities that are looked for in it. */
export interface EntityPlace {
  readonly path: string;
  /** Whether it is a file as `writeEntityFile` makes them, else a segment. */
  readonly indexed: boolean;
  readonly entities: readonly string[];
}

/** SQL for what is known of entities in these files: entity_hash, prediction_id and event_time_ms; null for no file. */
export function entityRowsSql(places: readonly EntityPlace[]): string | null {
  if (places.length === 0) return null;
  const parts = groupsOf(places.filter(({ indexed }) => indexed)).map((group) => {
    const hashes = [...entitiesOf(group)].map(entityHash);
    return `SELECT entity_hash, prediction_id, event_time_ms FROM ${filesSql(group)} WHERE entity_hash IN (${hashes.join(', ')})`;
  });
  for (const group of groupsOf(places.filter(({ indexed }) => !indexed))) {
    const entities = [...entitiesOf(group)].map(sqlLiteral);
    parts.push(`SELECT md5_number_upper('e' || entity) AS entity_hash, prediction_id, event_time_ms FROM ${filesSql(group)}
      WHERE entity IN (${entities.join(', ')})`);
  }
  return `(${parts.join(' UNION ALL ')})`;
}

function entitiesOf(places: readonly EntityPlace[]): ReadonlySet<string> {
  return new Set(places.flatMap(({ entities }) => entities));
}

function filesSql(places: readonly EntityPlace[]): string {
  return `read_parquet([${places.map(({ path }) => sqlLiteral(path)).join(', ')}])`;
}

export async function findEntityRows(
  frames: Frames,
  { indexed, segments }: EntityFiles,
  { entities, fromMs, toMs, limit }: EntityQuestion,
): Promise<readonly EntityRow[]> {
  const time = [
    ...(fromMs === undefined ? [] : [`AND event_time_ms >= ${fromMs}`]),
    ...(toMs === undefined ? [] : [`AND event_time_ms < ${toMs}`]),
  ].join(' ');
  const part = (paths: readonly string[], condition: string): readonly string[] =>
    paths.length === 0
      ? []
      : [
          `SELECT prediction_id, event_time_ms FROM read_parquet([${paths.map(sqlLiteral).join(', ')}])
           WHERE ${condition} ${time}`,
        ];
  const parts = [
    ...part(indexed, `entity_hash IN (${entities.map(entityHash).join(', ')})`),
    ...part(segments, `entity IN (${entities.map(sqlLiteral).join(', ')})`),
  ];
  if (parts.length === 0) return [];
  const rows = await typedRows(
    frames,
    z.object({ prediction_id: z.string(), at: z.int() }),
    `SELECT prediction_id, max(event_time_ms) AS at FROM (${parts.join(' UNION ALL ')})
     GROUP BY 1 ORDER BY 2 DESC, 1 DESC LIMIT ${limit}`,
  );
  return rows.map((row) => ({ predictionId: row.prediction_id, eventTimeMs: row.at }));
}

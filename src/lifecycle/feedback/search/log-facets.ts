import { z } from 'zod';
import { type Frames, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import type { LogFacets } from '../contract.ts';
import { featureNames, type LogPath, parquet } from '../relations.ts';

/** Values of one kind beyond this many are left out, the rarest first. */
const mostValues = 200;

const countedRow = z.discriminatedUnion('of_arm', [
  z.object({ of_arm: z.literal(1), arm: z.string(), model_version: z.string().nullable(), n: z.int() }),
  z.object({ of_arm: z.literal(0), status: z.string(), n: z.int() }),
]);

/** What a search can be narrowed to: which arms, versions and statuses occur in a span of event time, and features. */
export async function logFacets(
  frames: Frames,
  paths: readonly LogPath[],
  range: {
    readonly endpoint: string;
    readonly fromMs?: number | undefined;
    readonly toMs?: number | undefined;
  },
): Promise<LogFacets> {
  if (paths.length === 0) return { arms: [], statuses: [], features: [] };
  const within = [
    `endpoint = ${sqlLiteral(range.endpoint)}`,
    ...(range.fromMs === undefined ? [] : [`event_time_ms >= ${range.fromMs}`]),
    ...(range.toMs === undefined ? [] : [`event_time_ms < ${range.toMs}`]),
  ].join(' AND ');
  const rows = await typedRows(
    frames,
    countedRow,
    `SELECT grouping(status) AS of_arm, arm, model_version, status, count(*) AS n FROM ${parquet(paths)}
     WHERE ${within} GROUP BY GROUPING SETS ((arm, model_version), (status))
     ORDER BY n DESC, arm, model_version, status`,
  );
  const ofArms = rows.filter((row) => row.of_arm === 1);
  const ofStatuses = rows.filter((row) => row.of_arm === 0);
  return {
    arms: ofArms.slice(0, mostValues).map((row) => ({
      arm: row.arm,
      modelVersion: row.model_version,
      rows: row.n,
    })),
    statuses: ofStatuses.slice(0, mostValues).map((row) => ({
      status: row.status,
      rows: row.n,
    })),
    features: [...(await featureNames(frames, paths))].sort(),
  };
}

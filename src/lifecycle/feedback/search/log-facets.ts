import { type Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import type { LogFacets } from '../contract.ts';
import { featureNames, type LogPath, parquet } from '../relations.ts';

/** Values of one kind beyond this many are left out, the rarest first. */
const mostValues = 200;

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
  const rows = await frames.query(
    `SELECT grouping(status) AS of_arm, arm, model_version, status, count(*) AS n FROM ${parquet(paths)}
     WHERE ${within} GROUP BY GROUPING SETS ((arm, model_version), (status))
     ORDER BY n DESC, arm, model_version, status`,
  );
  const [ofArms, ofStatuses] = [rows.filter((r) => r.of_arm === 1), rows.filter((r) => r.of_arm === 0)];
  return {
    arms: ofArms.slice(0, mostValues).map((row) => ({
      arm: row.arm as string,
      modelVersion: row.model_version as string | null,
      rows: row.n as number,
    })),
    statuses: ofStatuses.slice(0, mostValues).map((row) => ({
      status: row.status as string,
      rows: row.n as number,
    })),
    features: [...(await featureNames(frames, paths))].sort(),
  };
}

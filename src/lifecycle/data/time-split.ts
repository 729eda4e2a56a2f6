import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { formatTime } from '../../core/time.ts';
import { type Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import { type StoredColumn, timeMsSql } from './columns.ts';
import type { TimeSplit } from './contract.ts';

const splitRow = z.object({ t: z.number(), train: z.number(), holdout: z.number(), untimed: z.number() });

/**
 * Splits rows by time: the latest share of about `holdoutRatio` is held out. The boundary is a time that occurs;
 * rows before it train, rows at it or later are held out, so that equal times all fall on one side. Of all such
 * boundaries it is the one whose hold-out is nearest in size to what was asked for (the earlier on a tie).
 * Both sides have rows: with fewer than two distinct times throws `split_impossible`.
 */
export async function timeSplit(
  frames: Frames,
  path: string,
  dataset: string,
  column: StoredColumn,
  holdoutRatio: number,
): Promise<TimeSplit> {
  const ms = timeMsSql(sqlName(column.name), column.storedType);
  const [row] = await frames.query(
    `WITH times AS (SELECT ${ms} AS t, count(*) AS n FROM read_parquet(${sqlLiteral(path)}) GROUP BY t),
       sums AS (SELECT t, sum(n) OVER (ORDER BY t) - n AS before, sum(n) OVER () AS total FROM times WHERE t IS NOT NULL)
     SELECT t, before::BIGINT AS train, (total - before)::BIGINT AS holdout,
       (SELECT coalesce(sum(n), 0)::BIGINT FROM times WHERE t IS NULL) AS untimed
     FROM sums WHERE before > 0 ORDER BY abs((total - before) - total * $1), t LIMIT 1`,
    [holdoutRatio],
  );
  if (!row) throw fail('split_impossible', { dataset, column: column.name });
  const { t: boundaryMs, train, holdout, untimed } = splitRow.parse(row);
  return {
    by: 'time',
    column: column.name,
    holdoutRatio,
    boundary: formatTime(boundaryMs),
    boundaryMs,
    trainRows: train,
    holdoutRows: holdout,
    untimedRows: untimed,
  };
}

import { type Actor, authorize } from '../../../platform/access/index.ts';
import { pageToken, readPageToken } from '../../../platform/search/index.ts';
import type { MetricDirection, MetricDirectionChange, MetricDirectionEntry } from '../contract.ts';
import { guessDirection } from '../metric-direction.ts';
import type { MetricPoint } from '../metric-point.ts';
import type { Page } from '../records.ts';
import { type ChartBucket, chart, type StepRange, sampledPoints } from '../store/chart.ts';
import { stateDirections, statedDirections } from '../store/directions.ts';
import { findSeries, historyPage } from '../store/history.ts';
import { settlePoints } from '../store/settling.ts';
import { firstOf } from '../store/summary.ts';
import { audit, type ExperimentsDeps, experimentById, runById } from './context.ts';

/** Reading what was logged of a metric. A metric or run that does not exist has an empty history. */
export function metricOperations(deps: ExperimentsDeps) {
  const { db } = deps;

  const settledSeries = async (of: { readonly runId: string; readonly key: string }) => {
    const series = await findSeries(db.read, of.runId, of.key);
    if (!series) return undefined;
    await settlePoints(db, series.run_seq);
    return findSeries(db.read, of.runId, of.key);
  };

  return {
    /** Points by time, step and value; all of them when the limit is null. */
    async history(
      actor: Actor,
      query: {
        readonly runId: string;
        readonly key: string;
        readonly limit: number | null;
        readonly after?: string | undefined;
      },
    ): Promise<Page<MetricPoint>> {
      authorize(actor, 'read');
      const after = query.after ? pointOf(readPageToken(query.after, 4)) : null;
      const series = await settledSeries(query);
      if (!series) return { items: [], next: null };
      const { limit } = query;
      const isWhole = limit === null || series.count <= limit;
      const asked = limit === null ? null : limit + 1;
      const points = await historyPage(db.read, series.id, asked, after, isWhole);
      const items = limit === null ? points : points.slice(0, limit);
      const last = items.at(-1);
      return { items, next: last && points.length > items.length ? pageToken(tokenOf(last)) : null };
    },

    /** At most `count` real points in step order: all, or an even choice with first, last and extremes. */
    async sampled(
      actor: Actor,
      query: {
        readonly runId: string;
        readonly key: string;
        readonly count: number;
        readonly range: StepRange | null;
      },
    ): Promise<readonly MetricPoint[]> {
      authorize(actor, 'read');
      const series = await settledSeries(query);
      if (!series) return [];
      return sampledPoints(db, { ...series, first: firstOf(series) }, query.count, query.range);
    },

    /**
     * The history, or what of it lies within a range of steps, cut into at most `buckets` parts with their
     * extremes. Throws `run_unknown`.
     */
    async buckets(
      actor: Actor,
      query: {
        readonly runId: string;
        readonly key: string;
        readonly buckets: number;
        readonly range?: StepRange | null;
      },
    ): Promise<{ readonly totalCount: number; readonly buckets: readonly ChartBucket[] }> {
      authorize(actor, 'read');
      await runById(db.read, query.runId);
      const series = await settledSeries(query);
      if (!series) return { totalCount: 0, buckets: [] };
      const buckets = await chart(db, series, query.buckets, query.range ?? null);
      return { totalCount: series.count, buckets };
    },

    /** The directions that somebody stated for metrics of an experiment. Throws `experiment_unknown`. */
    async directions(actor: Actor, experimentId: string): Promise<readonly MetricDirectionEntry[]> {
      authorize(actor, 'read');
      const id = Number((await experimentById(db.read, experimentId)).id);
      const stated = (await statedDirections(db.read, [id])).get(id) ?? new Map<string, MetricDirection>();
      return [...stated].map(([key, direction]) => ({ key, direction, isGuessed: false }));
    },

    /**
     * States which way metrics of an experiment are better, or that it is guessed again (null), and gives the
     * directions of these metrics as they are then. Throws `experiment_unknown`.
     */
    async setDirections(
      actor: Actor,
      experimentId: string,
      changes: MetricDirectionChange['directions'],
    ): Promise<readonly MetricDirectionEntry[]> {
      authorize(actor, 'experiments:write');
      const wanted = new Map(changes.map(({ key, direction }) => [key, direction]));
      await db.write(async (tx) => {
        const { id } = await experimentById(tx, experimentId);
        const stated = (await statedDirections(tx, [Number(id)])).get(Number(id));
        const before = Object.fromEntries([...wanted.keys()].map((key) => [key, stated?.get(key) ?? null]));
        await stateDirections(tx, Number(id), wanted);
        const after = Object.fromEntries(wanted);
        const action = 'experiment:metric-directions';
        await audit(deps, tx, { actor, action, kind: 'experiment', id, before, after });
      });
      return [...wanted].map(([key, direction]) => ({
        key,
        direction: direction ?? guessDirection(key),
        isGuessed: direction === null,
      }));
    },
  };
}

function tokenOf(point: MetricPoint): readonly number[] {
  return [point.timeMs, point.step, point.value, point.isNan ? 1 : 0];
}

function pointOf(values: readonly (string | number)[]): MetricPoint {
  const [timeMs, step, value, isNan] = values.map(Number);
  return { timeMs: timeMs ?? 0, step: step ?? 0, value: value ?? 0, isNan: isNan === 1 };
}

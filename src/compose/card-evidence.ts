import { MillraceError } from '../core/errors.ts';
import { formatTime } from '../core/time.ts';
import type { DataService } from '../lifecycle/data/index.ts';
import { type Experiments, pointValue } from '../lifecycle/experiments/index.ts';
import type { CardEvidence } from '../lifecycle/governance/index.ts';

/** What a model card tells of its data and its training run, from the parts that recorded them. */
export function createCardEvidence(data: DataService, experiments: Experiments): CardEvidence {
  return {
    dataset: (actor, id) =>
      unlessUnknown(async () => {
        const version = await data.version(actor, id);
        const { dataset, version: number, rows, time, entity, label, timeRange, source } = version;
        const columns = version.columns.length;
        return { dataset, version: number, rows, columns, time, entity, label, timeRange, source };
      }),
    run: (actor, id) =>
      unlessUnknown(async () => {
        const run = await experiments.runs.get(actor, id);
        return {
          id: run.id,
          name: run.name,
          status: run.status,
          user: run.userId,
          startedAt: formatTime(run.startTimeMs),
          durationMs: run.endTimeMs === null ? null : run.endTimeMs - run.startTimeMs,
          params: run.params.map(({ key, value }) => ({ name: key, value })),
          metrics: run.metrics.map(({ key, last }) => {
            const value = pointValue(last);
            return { name: key, value: Number.isNaN(value) ? 'NaN' : value };
          }),
        };
      }),
  };
}

/** What is not there any more is not recorded; every other fault is a fault. */
async function unlessUnknown<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof MillraceError && error.status === 404) return undefined;
    throw error;
  }
}

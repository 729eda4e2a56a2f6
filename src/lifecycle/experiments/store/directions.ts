import { sql } from 'kysely';
import type { Tx } from '../../../platform/db/index.ts';
import type { MetricDirection } from '../contract.ts';
import { chunks } from './chunks.ts';
import { on } from './tables.ts';

/** What somebody said about metrics of these experiments: direction by experiment and key. */
export async function statedDirections(
  tx: Tx,
  experimentIds: readonly number[],
): Promise<ReadonlyMap<number, ReadonlyMap<string, MetricDirection>>> {
  const stated = new Map<number, Map<string, MetricDirection>>();
  for (const chunk of chunks(experimentIds)) {
    const rows = await on(tx)
      .selectFrom('metric_directions')
      .selectAll()
      .where('experiment_id', 'in', chunk)
      .orderBy('key')
      .execute();
    for (const row of rows) {
      const ofExperiment = stated.get(row.experiment_id) ?? new Map<string, MetricDirection>();
      stated.set(row.experiment_id, ofExperiment.set(row.key, row.direction));
    }
  }
  return stated;
}

/** States directions, the later of two for the same key; null goes back to the guess. */
export async function stateDirections(
  tx: Tx,
  experimentId: number,
  changes: ReadonlyMap<string, MetricDirection | null>,
): Promise<void> {
  const gone = [...changes].flatMap(([key, direction]) => (direction === null ? [key] : []));
  const said = [...changes].flatMap(([key, direction]) =>
    direction === null ? [] : [{ experiment_id: experimentId, key, direction }],
  );
  for (const chunk of chunks(gone)) {
    await on(tx)
      .deleteFrom('metric_directions')
      .where('experiment_id', '=', experimentId)
      .where('key', 'in', chunk)
      .execute();
  }
  if (said.length === 0) return;
  await on(tx)
    .insertInto('metric_directions')
    .values(said)
    .onConflict((c) =>
      c.columns(['experiment_id', 'key']).doUpdateSet({ direction: sql`excluded.direction` }),
    )
    .execute();
}

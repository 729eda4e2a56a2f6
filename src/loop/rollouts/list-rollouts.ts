import type { Tx } from '../../platform/db/index.ts';
import type { EndpointRollout, RolloutListQuery } from '../contract.ts';
import { readTurn } from '../read.ts';
import { turnsWithRollout } from '../store/turns.ts';
import { presentRollout, presentTurnRollout } from './present-rollout.ts';
import { listRollouts, openStates } from './store.ts';

/**
 * Rollouts that people began and those of loops' turns in one order, which is that of their ids, after the one that a page
 * ended with; without their courses.
 */
export async function listAllRollouts(
  tx: Tx,
  query: RolloutListQuery,
  page: { readonly afterId?: string | undefined; readonly limit: number },
): Promise<readonly EndpointRollout[]> {
  const found: EndpointRollout[] = [];
  let { afterId } = page;
  // What a filter leaves out is made up for by what comes after it.
  for (;;) {
    const batch = await batchAfter(tx, query, afterId, page.limit);
    found.push(...batch.items.filter((rollout) => isWanted(rollout, query)));
    if (found.length >= page.limit || batch.lastId === undefined) return found.slice(0, page.limit);
    afterId = batch.lastId;
  }
}

/** The next of both kinds, up to an id behind which more may be; undefined: that is all. */
async function batchAfter(
  tx: Tx,
  { state, endpoint, order }: RolloutListQuery,
  afterId: string | undefined,
  limit: number,
): Promise<{ readonly items: readonly EndpointRollout[]; readonly lastId: string | undefined }> {
  const states = state === 'all' ? undefined : state === 'open' ? openStates : [state];
  const records = await listRollouts(tx, { states, endpoint, order, afterId, limit });
  const turns = await turnsWithRollout(tx, { isOpen: state === 'open', endpoint, order, afterId, limit });
  const sign = order === 'newest' ? -1 : 1;
  const rows = [
    ...records.map((record) => ({ id: record.id, present: async () => presentRollout(record) })),
    ...turns.map(({ id, endpoint: of, loopState }) => ({
      id,
      present: async () => presentTurnRollout(await readTurn(tx, id), of, loopState === 'paused'),
    })),
  ]
    .toSorted((a, b) => sign * (a.id < b.id ? -1 : 1))
    .slice(0, limit);
  const presented = await Promise.all(rows.map((row) => row.present()));
  return {
    items: presented.flatMap((rollout) => (rollout ? [{ ...rollout, looks: [] }] : [])),
    lastId: rows.length < limit ? undefined : rows.at(-1)?.id,
  };
}

function isWanted(rollout: EndpointRollout, { state, model, text }: RolloutListQuery): boolean {
  const states = state === 'all' ? undefined : state === 'open' ? openStates : [state];
  const { endpoint, turn, reason } = rollout;
  const said = [endpoint, rollout.model, turn?.loop ?? '', reason].map((each) => each.toLowerCase());
  return (
    (states?.includes(rollout.state) ?? true) &&
    (model === undefined || rollout.model === model) &&
    (text === undefined || said.some((each) => each.includes(text.toLowerCase())))
  );
}

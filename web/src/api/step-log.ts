import { queryOptions } from '@tanstack/react-query';
import type { StepLogLine } from '../../../src/lifecycle/pipelines/contract.ts';
import { get } from './client.ts';

/** So many lines are shown, and asked for at once: the most that the server gives. */
const MOST_LINES = 5000;

type StepLog = {
  /** The newest, in their order. */
  readonly lines: readonly StepLogLine[];
  /** How many there are before them. */
  readonly leftOut: number;
};

/** The end of what a step wrote. Read again, it goes on after the last line that is known. */
export const stepLogQuery = (id: string) =>
  queryOptions({
    queryKey: ['step-runs', 'log', id] as const,
    queryFn: async ({ client, queryKey, signal }): Promise<StepLog> => {
      let log: StepLog = client.getQueryData(queryKey) ?? { lines: [], leftOut: 0 };
      for (;;) {
        const after = log.lines.at(-1)?.number;
        const path = `/step-runs/${encodeURIComponent(id)}/logs`;
        const page = await get<{ items: StepLogLine[] }>(path, { after, limit: MOST_LINES }, signal);
        const lines = [...log.lines, ...page.items];
        const surplus = Math.max(0, lines.length - MOST_LINES);
        log = { lines: lines.slice(surplus), leftOut: log.leftOut + surplus };
        if (page.items.length < MOST_LINES) return log;
      }
    },
  });

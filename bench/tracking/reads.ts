import { median } from '../support/index.ts';
import type { TrackingServer } from './servers.ts';

/** The searches that are compared; each asks for 1000 runs. */
export const searches = {
  'search 1000 runs': {},
  'search by metric': { filter: 'metrics.metric0 > 0.5' },
  'search ordered by metric': { order_by: ['metrics.metric1 DESC'] },
} as const;

export type Search = keyof typeof searches;

/** Median time in milliseconds of one search, sent again and again by one client. */
export function measureSearch(
  server: TrackingServer,
  experimentId: string,
  name: Search,
  rounds: number,
): Promise<number> {
  const body = JSON.stringify({ experiment_ids: [experimentId], max_results: 1000, ...searches[name] });
  return medianMs(rounds, async () => {
    const answer = await read(`${server.url}/api/2.0/mlflow/runs/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expectCount(server, name, answer, '"run_id"', 1000);
  });
}

/** Median time in milliseconds of reading a whole history in pages of at most 25,000 points. */
export function measureHistory(server: TrackingServer, runId: string, points: number, rounds: number) {
  const url = `${server.url}/api/2.0/mlflow/metrics/get-history?run_id=${runId}&metric_key=loss&max_results=25000`;
  return medianMs(rounds, async () => {
    expectCount(server, 'history', await read(url), '"step"', points);
  });
}

/** Median time in milliseconds of the call behind MLflow's charts. */
export function measureInterval(server: TrackingServer, runId: string, rounds: number): Promise<number> {
  const url = `${server.url}/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=${runId}&metric_key=loss&max_results=320`;
  return medianMs(rounds, async () => {
    await read(url);
  });
}

/** Median time in milliseconds of our chart: buckets with extremes, of which the spike must be one. */
export function measureChart(server: TrackingServer, runId: string, points: number, rounds: number) {
  const url = `${server.url}/api/v1/runs/${runId}/metric-history?key=loss&buckets=1000`;
  return medianMs(rounds, async () => {
    const chart = JSON.parse(await read(url)) as {
      totalCount: number;
      buckets: readonly { max: number; count: number }[];
    };
    const counted = chart.buckets.reduce((sum, bucket) => sum + bucket.count, 0);
    const highest = Math.max(...chart.buckets.map((bucket) => bucket.max));
    if (chart.totalCount !== points || counted !== points || highest !== 1000) {
      throw new Error(
        `the chart has ${chart.totalCount} points, ${counted} in buckets, and its highest is ${highest}`,
      );
    }
  });
}

async function medianMs(rounds: number, once: () => Promise<void>): Promise<number> {
  await once();
  const elapsedMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const beganMs = performance.now();
    await once();
    elapsedMs.push(performance.now() - beganMs);
  }
  return median(elapsedMs);
}

async function read(url: string, init: RequestInit = {}): Promise<string> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text.slice(0, 300)}`);
  return text;
}

/** A fast answer must also be the whole answer. */
function expectCount(server: TrackingServer, what: string, text: string, mark: string, count: number): void {
  const found = text.split(mark).length - 1;
  if (found !== count) throw new Error(`${server.name}, ${what}: ${found} instead of ${count}`);
}

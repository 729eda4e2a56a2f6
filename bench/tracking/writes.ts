import { runLoad } from '../support/index.ts';
import { createExperiment, createRun, type TrackingServer } from './servers.ts';

/** In each request this stands for a number that was never sent before (support/load.ts). */
const NEXT = '$NEXT$';

const metric = (key: string) => `{"key":"${key}","value":0.${NEXT},"timestamp":17${NEXT}0,"step":${NEXT}}`;

const batch = (runId: string, metrics: number): string => {
  const list = Array.from({ length: metrics }, (_, i) => metric(`metric-${i}`)).join(',');
  return `{"run_id":"${runId}","metrics":[${list}],"params":[],"tags":[]}`;
};

/** The write calls that are compared: path below `/api/2.0/mlflow/` and body for one run. */
export const writeCalls = {
  'create run': {
    path: 'runs/create',
    body: (experimentId: string) =>
      `{"experiment_id":"${experimentId}","start_time":17${NEXT}0,"tags":[{"key":"mlflow.user","value":"bench"}]}`,
  },
  'log-metric': {
    path: 'runs/log-metric',
    body: (_: string, runId: string) =>
      `{"run_id":"${runId}","key":"loss","value":0.${NEXT},"timestamp":17${NEXT}0,"step":${NEXT}}`,
  },
  'log-batch 10': { path: 'runs/log-batch', body: (_: string, runId: string) => batch(runId, 10) },
  'log-batch 500': { path: 'runs/log-batch', body: (_: string, runId: string) => batch(runId, 500) },
} as const;

export type WriteCall = keyof typeof writeCalls;

interface WriteSetting {
  readonly clients: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
}

interface WriteFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly failed: number;
}

/**
 * Acknowledged requests per second of one write call in a closed loop, every client with a run of its own.
 * Requests that failed count as failed, not as done.
 */
export async function measureWrite(
  server: TrackingServer,
  name: WriteCall,
  setting: WriteSetting,
): Promise<WriteFigures> {
  const experimentId = await createExperiment(server, `${name} ${Date.now()}`);
  const runIds = await Promise.all(
    Array.from({ length: setting.clients }, () => createRun(server, experimentId)),
  );
  const { path, body } = writeCalls[name];
  const { requests, failures, latencyMs } = await runLoad({
    url: `${server.url}/api/2.0/mlflow/${path}`,
    bodies: runIds.map((runId) => body(experimentId, runId)),
    counter: NEXT,
    connections: setting.clients,
    warmUpMs: setting.warmUpMs,
    durationMs: setting.durationMs,
  });
  const failed = Object.values(failures).reduce((sum, n) => sum + n, 0);
  return { perSecond: (1000 * (requests - failed)) / setting.durationMs, p50Ms: latencyMs.p50, failed };
}

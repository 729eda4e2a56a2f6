import type { Jobs } from '../../platform/jobs/index.ts';

/** The durable queue as a runner sees it: `Jobs` itself in control, the same over HTTP in a worker. */
export type JobQueue = Pick<
  Jobs,
  'workerStarted' | 'lease' | 'heartbeat' | 'onCancel' | 'appendLogs' | 'complete' | 'fail'
>;

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pinToCore } from './processes.ts';

/** One kind of request, sent again and again. */
export interface LoadRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bodies taken in turn; none sends no body. */
  readonly bodies?: readonly string[];
  /** How bodies that are no text are written; `utf8` unless given. */
  readonly bodyEncoding?: 'utf8' | 'base64';
  /** Where this text stands in a body, each request has the next number instead: nine digits, from 100000000. */
  readonly counter?: string;
}

export interface LoadPlan extends LoadRequest {
  readonly connections: number;
  readonly durationMs: number;
  /** Sent before the measured part and not counted. */
  readonly warmUpMs?: number;
  /**
   * Open loop: requests start at this fixed rate whether or not earlier ones were answered, and latency counts from
   * the planned start. Left out is a closed loop: each connection sends its next request after an answer.
   */
  readonly ratePerSecond?: number;
}

/** What a load met. */
export interface LoadResult {
  readonly requests: number;
  /** Answers with another status than 2xx, by status; broken connections under 0. */
  readonly failures: Readonly<Record<string, number>>;
  readonly requestsPerSecond: number;
  readonly latencyMs: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
}

/**
 * Sends load to an address of this machine from a process of its own, over keep-alive connections.
 *
 * @param core pins the sender to this core where `taskset` exists, so that it does not share the server's
 */
export function runLoad(plan: LoadPlan, core?: number): Promise<LoadResult> {
  const { hostname } = new URL(plan.url);
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) {
    throw new Error(`load goes to this machine only, not to ${hostname}`);
  }
  const child = fork(fileURLToPath(new URL('./load-generator.ts', import.meta.url)));
  if (core !== undefined && child.pid !== undefined) pinToCore(child.pid, core);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the load generator ended with exit code ${code}`)));
    child.once('message', (result) => resolve(result as LoadResult));
    child.send(plan);
  });
}

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type LoadResult, pinToCore } from '../support/index.ts';

/** Unary gRPC calls of one method, in a closed loop. */
export interface GrpcLoadPlan {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** `/<service>/<method>`. */
  readonly path: string;
  /** Encoded messages, base64, taken in turn. */
  readonly messages: readonly string[];
  readonly connections: number;
  /** Calls under way at a time on each connection; 1 unless given. */
  readonly streams?: number;
  readonly durationMs: number;
  /** Sent before the measured part and not counted. */
  readonly warmUpMs?: number;
}

/**
 * Sends gRPC load from a process of its own. A call fails (under `error`) when its answer has no message, and
 * (under `broken`) when the stream or the connection breaks.
 *
 * @param core pins the sender to this core
 */
export function runGrpcLoad(plan: GrpcLoadPlan, core?: number): Promise<LoadResult> {
  const child = fork(fileURLToPath(new URL('./grpc-load-generator.ts', import.meta.url)));
  if (core !== undefined && child.pid !== undefined) pinToCore(child.pid, core);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the load generator ended with exit code ${code}`)));
    child.once('message', (result) => resolve(result as LoadResult));
    child.send(plan);
  });
}

import type { LoadResult } from '../support/index.ts';
import { type CallResult, GrpcConnection } from './grpc-connection.ts';
import type { GrpcLoadPlan } from './grpc-load.ts';

/** The sending process of runGrpcLoad. */
process.once('message', (plan) => {
  void run(plan as GrpcLoadPlan).then((result) => {
    process.send?.(result, () => process.exit(0));
  });
});

async function run(plan: GrpcLoadPlan): Promise<LoadResult> {
  const messages = plan.messages.map((message) => Buffer.from(message, 'base64'));
  const { hostname, port } = new URL(plan.url);
  const latencies: number[] = [];
  const failures: Partial<Record<Exclude<CallResult, 'ok'>, number>> = {};
  const beginMs = performance.now() + (plan.warmUpMs ?? 0);
  const endMs = beginMs + plan.durationMs;
  let sent = 0;

  const connection = async (): Promise<void> => {
    const open = () => GrpcConnection.open(hostname, Number(port), plan.path);
    let client = await open();
    const stream = async (): Promise<void> => {
      while (performance.now() < endMs) {
        if (client.closed) client = await open();
        const beganMs = performance.now();
        const result = await client.call(messages[sent++ % messages.length]!);
        const doneMs = performance.now();
        if (doneMs < beginMs || doneMs >= endMs) continue;
        latencies.push(doneMs - beganMs);
        if (result !== 'ok') failures[result] = (failures[result] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: plan.streams ?? 1 }, stream));
    client.close();
  };
  await Promise.all(Array.from({ length: plan.connections }, connection));

  const sorted = Float64Array.from(latencies).sort();
  const at = (ratio: number) => sorted[Math.min(sorted.length - 1, Math.floor(ratio * sorted.length))] ?? NaN;
  return {
    requests: latencies.length,
    failures: failures as Record<string, number>,
    requestsPerSecond: (1000 * latencies.length) / plan.durationMs,
    latencyMs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) ?? NaN },
  };
}

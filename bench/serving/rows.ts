import { setTimeout } from 'node:timers/promises';
import { interleave, type LoadResult, median, report, residentBytes, runLoad } from '../support/index.ts';
import { runGrpcLoad } from './grpc-load.ts';
import type { Millrace } from './millrace.ts';
import { type Peer, type PeerName, peerNames, startPeer } from './peers.ts';
import { binaryBodies, grpcMessages, jsonBodies, rowsOf } from './requests.ts';
import { controlRestarts, hotSwaps } from './under-load.ts';

export interface BenchContext {
  readonly millrace: Millrace;
  readonly echoUrl: string;
  /** Of the model. */
  readonly folder: string;
  readonly serverCore: number;
  readonly senderCore: number;
  readonly connections: number;
  readonly rounds: number;
  readonly durationMs: number;
}

const manyRows = 32;
const inferMethod = '/inference.GRPCInferenceService/ModelInfer';

function requireNoFailure({ failures, requests }: LoadResult, of: string): void {
  const failed = Object.values(failures).reduce((a, b) => a + b, 0);
  if (failed > 0 || requests === 0) {
    throw new Error(`${of}: ${failed} of ${requests} requests failed: ${JSON.stringify(failures)}`);
  }
}

type Load = () => Promise<number>;

/** A closed loop of JSON requests; p99 goes into the list. */
function httpLoad(
  context: BenchContext,
  url: string,
  bodies: readonly string[],
  more: {
    readonly p99?: number[];
    readonly headers?: Readonly<Record<string, string>>;
    readonly binary?: boolean;
  } = {},
): Load {
  const { connections, durationMs, senderCore } = context;
  return async () => {
    const plan = {
      url,
      bodies,
      connections,
      durationMs,
      warmUpMs: 500,
      ...(more.headers ? { headers: more.headers } : {}),
      bodyEncoding: more.binary ? ('base64' as const) : ('utf8' as const),
    };
    const result = await runLoad(plan, senderCore);
    requireNoFailure(result, url);
    more.p99?.push(result.latencyMs.p99);
    return result.requestsPerSecond;
  };
}

/** Starts peers, measures, and ends them. A peer that does not start is told and left out. */
async function withPeers<T>(
  { folder, serverCore }: BenchContext,
  names: readonly PeerName[],
  use: (peers: readonly Peer[]) => Promise<T>,
): Promise<T> {
  const peers: Peer[] = [];
  try {
    for (const name of names) {
      try {
        peers.push(await startPeer(name, folder, serverCore, rowsOf(0, 1)[0] ?? []));
      } catch (error) {
        console.log(`${name} is left out: ${(error as Error).message}`);
      }
    }
    return await use(peers);
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
}

/** What a row's aims against the peers are; the issue names two of them. */
const leastTimesPeer: Readonly<Partial<Record<string, number>>> = { mlserver: 20, litserve: 20 };

async function json(context: BenchContext): Promise<void> {
  const { millrace, echoUrl } = context;
  const bodies = jsonBodies(1);
  const p99: number[] = [];
  await withPeers(context, peerNames, async (peers) => {
    const loads: Record<string, Load> = {
      echo: httpLoad(context, echoUrl, bodies),
      millrace: httpLoad(context, millrace.inferUrl('bench'), bodies, { p99 }),
    };
    for (const peer of peers) {
      const own = Array.from({ length: 64 }, (_, i) => peer.body(rowsOf(i, 1)));
      loads[peer.name] = httpLoad(context, peer.url, own);
    }
    const rates = await interleave(context.rounds, loads);
    const value = median(rates.millrace ?? []);
    const figure = { name: '1 row, JSON', value, unit: 'requests/s' };
    report({
      ...figure,
      floor: { name: 'bare node:http echo', value: median(rates.echo ?? []) },
      aim: { least: 0.4, of: 'ratio' },
    });
    for (const { name } of peers) {
      const least = leastTimesPeer[name];
      report({
        ...figure,
        floor: { name, value: median(rates[name] ?? []) },
        ...(least ? { aim: { least, of: 'ratio' as const } } : {}),
      });
    }
    const most = 5;
    report({
      name: `  their p99 at ${context.connections} connections`,
      value: median(p99),
      unit: 'ms',
      aim: { most, of: 'value' },
    });
  });
}

async function binary(context: BenchContext): Promise<void> {
  const url = context.millrace.inferUrl('bench');
  const { bodies, jsonBytes } = binaryBodies(1);
  const headers = {
    'inference-header-content-length': String(jsonBytes),
    'content-type': 'application/octet-stream',
  };
  const rates = await interleave(context.rounds, {
    json: httpLoad(context, url, jsonBodies(1)),
    binary: httpLoad(context, url, bodies, { headers, binary: true }),
  });
  report({
    name: '1 row, binary tensors',
    value: median(rates.binary),
    unit: 'requests/s',
    floor: { name: 'JSON', value: median(rates.json) },
    aim: { least: 1.3, of: 'ratio' },
  });
}

async function grpc(context: BenchContext): Promise<void> {
  const { millrace, connections, durationMs, senderCore } = context;
  const messages = grpcMessages('bench', 1);
  const load = (streams: number) => async () => {
    const plan = {
      url: millrace.grpcUrl,
      path: inferMethod,
      messages,
      connections: connections / streams,
      streams,
      durationMs,
      warmUpMs: 500,
    };
    const result = await runGrpcLoad(plan, senderCore);
    requireNoFailure(result, 'gRPC');
    return result.requestsPerSecond;
  };
  const together = 8;
  const rates = await interleave(context.rounds, {
    rest: httpLoad(context, millrace.inferUrl('bench'), jsonBodies(1)),
    grpc: load(1),
    together: load(together),
  });
  const floor = { name: 'REST', value: median(rates.rest) };
  const aim = { least: 0.6, of: 'ratio' as const };
  report({ name: '1 row, gRPC unary', value: median(rates.grpc), unit: 'requests/s', floor, aim });
  report({
    name: `1 row, gRPC unary, ${together} calls at a time on each of ${connections / together} connections`,
    value: median(rates.together),
    unit: 'requests/s',
    floor,
  });
}

async function openLoop(context: BenchContext): Promise<void> {
  const { millrace, connections, durationMs, senderCore } = context;
  const [url, bodies] = [millrace.inferUrl('bench'), jsonBodies(1)];
  const saturation = await httpLoad(context, url, bodies)();
  const latencies: number[] = [];
  for (let round = 0; round < context.rounds; round++) {
    const ratePerSecond = Math.round(saturation / 2);
    const result = await runLoad(
      { url, bodies, connections, durationMs, warmUpMs: 500, ratePerSecond },
      senderCore,
    );
    requireNoFailure(result, 'open loop');
    latencies.push(result.latencyMs.p99);
  }
  report({
    name: `p99 of an open loop at half of saturation (${Math.round(saturation / 2)} requests/s)`,
    value: median(latencies),
    unit: 'ms',
    aim: { most: 10, of: 'value' },
  });
}

async function batch(context: BenchContext): Promise<void> {
  const url = context.millrace.inferUrl('bench');
  const rates = await interleave(context.rounds, {
    one: httpLoad(context, url, jsonBodies(1)),
    many: httpLoad(context, url, jsonBodies(manyRows)),
  });
  report({
    name: `${manyRows} rows per request, JSON`,
    value: median(rates.many) * manyRows,
    unit: 'rows/s',
    floor: { name: '1 row per request', value: median(rates.one) },
    aim: { least: 8, of: 'ratio' },
  });
}

async function pyfunc(context: BenchContext): Promise<void> {
  const { millrace } = context;
  await millrace.deploy('pyfunc', await millrace.storePyfunc());
  await withPeers(context, ['mlflow'], async ([peer]) => {
    if (!peer) return;
    const rates = await interleave(context.rounds, {
      millrace: httpLoad(context, millrace.inferUrl('pyfunc'), jsonBodies(1)),
      mlflow: httpLoad(
        context,
        peer.url,
        Array.from({ length: 64 }, (_, i) => peer.body(rowsOf(i, 1))),
      ),
    });
    report({
      name: '1 row, JSON, scikit-learn in Python',
      value: median(rates.millrace),
      unit: 'requests/s',
      floor: { name: 'mlflow models serve', value: median(rates.mlflow) },
      aim: { least: 2, of: 'ratio' },
    });
  });
}

/** Memory after a tenth of the requests, and after all of them. */
async function memory(context: BenchContext): Promise<void> {
  const { millrace, connections, senderCore } = context;
  const requests = Number(process.env.BENCH_REQUESTS ?? 200_000);
  const [url, bodies] = [millrace.inferUrl('bench'), jsonBodies(1)];
  let sent = 0;
  let earlyBytes = 0;
  while (sent < requests) {
    const result = await runLoad({ url, bodies, connections, durationMs: context.durationMs }, senderCore);
    requireNoFailure(result, 'memory');
    sent += result.requests;
    if (earlyBytes === 0 && sent >= requests / 10) {
      await setTimeout(1000);
      earlyBytes = residentBytes(millrace.serve.pid);
    }
  }
  await setTimeout(1000);
  const toMb = 1 / 1024 ** 2;
  report({
    name: `memory after ${sent} requests`,
    value: residentBytes(millrace.serve.pid) * toMb,
    unit: 'MB',
    floor: { name: 'after a tenth of them', value: earlyBytes * toMb },
    aim: { most: 1.2, of: 'ratio' },
  });
}

/** What can be measured, by the name that BENCH_ROWS gives it. */
export const rows = {
  json,
  binary,
  grpc,
  open: openLoop,
  batch,
  pyfunc,
  swaps: hotSwaps,
  restarts: controlRestarts,
  memory,
} as const satisfies Readonly<Record<string, (context: BenchContext) => Promise<void>>>;

import { setTimeout } from 'node:timers/promises';
import {
  interleave,
  type LoadPlan,
  type LoadResult,
  median,
  report,
  residentBytes,
  runLoad,
} from '../support/index.ts';
import { cpuUs } from './cpu.ts';
import { runGrpcLoad } from './grpc-load.ts';
import type { Millrace } from './millrace.ts';
import { type Peer, type PeerName, peerNames, startPeer } from './peers.ts';
import { binaryBodies, grpcMessages, imageBodies, jsonBodies, rowsOf } from './requests.ts';
import { controlRestarts, hotSwaps } from './under-load.ts';

export interface BenchContext {
  readonly millrace: Millrace;
  readonly echo: { readonly url: string; readonly pid: number };
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

/** What a load notes beside its rate, round after round. */
class Notes {
  readonly p99Ms: number[] = [];
  readonly cpuUs: number[] = [];
}

/** A closed loop of requests; what it notes goes into `notes`. */
function httpLoad(
  context: BenchContext,
  { pid, url }: { readonly pid: number; readonly url: string },
  bodies: readonly string[],
  notes: Notes = new Notes(),
  binaryHeaders?: Readonly<Record<string, string>>,
): Load {
  const { connections, durationMs, senderCore } = context;
  const plan: LoadPlan = {
    url,
    bodies,
    connections,
    durationMs,
    ...(binaryHeaders ? { headers: binaryHeaders, bodyEncoding: 'base64' } : {}),
  };
  return () => noted(() => runLoad(plan, senderCore), url, pid, notes);
}

async function noted(
  load: () => Promise<LoadResult>,
  of: string,
  pid: number,
  notes: Notes,
): Promise<number> {
  const beforeUs = cpuUs(pid);
  const result = await load();
  requireNoFailure(result, of);
  notes.cpuUs.push((cpuUs(pid) - beforeUs) / result.requests);
  notes.p99Ms.push(result.latencyMs.p99);
  return result.requestsPerSecond;
}

/** Runs each load once for nothing, so that code is compiled and caches are warm, and then measures them in turn. */
async function measure<Name extends string>(
  { rounds }: BenchContext,
  loads: Readonly<Record<Name, Load>>,
  notes: readonly Notes[],
): Promise<Record<Name, readonly number[]>> {
  for (const load of Object.values<Load>(loads)) await load();
  for (const { cpuUs: cpu, p99Ms } of notes) for (const list of [cpu, p99Ms]) list.length = 0;
  return interleave(rounds, loads);
}

/** The same ratio by processor time, which a busy machine disturbs less than the clock. */
function reportCpu(what: string, own: Notes, floorName: string, floor: Notes): void {
  const value = 1e6 / median(own.cpuUs);
  report({
    name: `  ${what}, by a second of processor time`,
    value,
    unit: 'requests',
    floor: { name: floorName, value: 1e6 / median(floor.cpuUs) },
  });
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

async function json(context: BenchContext): Promise<void> {
  const { millrace, echo } = context;
  const bodies = jsonBodies(1);
  await withPeers(context, peerNames, async (peers) => {
    const notes: Record<string, Notes> = { echo: new Notes(), millrace: new Notes() };
    const loads: Record<string, Load> = {
      echo: httpLoad(context, echo, bodies, notes.echo),
      millrace: httpLoad(context, millrace.infer('bench'), bodies, notes.millrace),
    };
    for (const peer of peers) {
      const own = Array.from({ length: 64 }, (_, i) => peer.body(rowsOf(i, 1)));
      notes[peer.name] = new Notes();
      loads[peer.name] = httpLoad(context, peer, own, notes[peer.name]);
    }
    const rates = await measure(context, loads, Object.values(notes));
    const own = notes.millrace as Notes;
    for (const [name, { floorName, least }] of Object.entries(jsonFloors)) {
      const floor = notes[name];
      if (!floor) continue;
      report({
        name: '1 row, JSON',
        value: median(rates.millrace ?? []),
        unit: 'requests/s',
        floor: { name: floorName, value: median(rates[name] ?? []) },
        ...(least ? { aim: { least, of: 'ratio' as const } } : {}),
      });
      reportCpu('1 row, JSON', own, floorName, floor);
    }
    report({
      name: `p99 at ${context.connections} connections`,
      value: median(own.p99Ms),
      unit: 'ms',
      floor: { name: 'bare node:http echo', value: median(notes.echo?.p99Ms ?? []) },
      aim: { most: 5, of: 'value' },
    });
  });
}

const jsonFloors: Readonly<Record<string, { readonly floorName: string; readonly least?: number }>> = {
  echo: { floorName: 'bare node:http echo', least: 0.4 },
  mlserver: { floorName: 'MLServer', least: 20 },
  'mlserver-no-pool': { floorName: 'MLServer without its pool of workers', least: 20 },
  litserve: { floorName: 'LitServe', least: 20 },
  bentoml: { floorName: 'BentoML' },
  mlflow: { floorName: 'mlflow models serve (scikit-learn)' },
};

async function binary(context: BenchContext): Promise<void> {
  const target = context.millrace.infer('bench');
  const { bodies, jsonBytes } = binaryBodies(1);
  const headers = binaryHeaders(jsonBytes);
  const notes = { json: new Notes(), binary: new Notes() };
  const rates = await measure(
    context,
    {
      json: httpLoad(context, target, jsonBodies(1), notes.json),
      binary: httpLoad(context, target, bodies, notes.binary, headers),
    },
    Object.values(notes),
  );
  report({
    name: '1 row, binary tensors',
    value: median(rates.binary),
    unit: 'requests/s',
    floor: { name: 'JSON', value: median(rates.json) },
    aim: { least: 1.3, of: 'ratio' },
  });
  reportCpu('1 row, binary tensors', notes.binary, 'JSON', notes.json);
}

const binaryHeaders = (jsonBytes: number) => ({
  'inference-header-content-length': String(jsonBytes),
  'content-type': 'application/octet-stream',
});

/** Images there and back: what binary tensors are for. */
async function images(context: BenchContext): Promise<void> {
  const { millrace } = context;
  await millrace.deploy('image', await millrace.storeImage());
  const target = millrace.infer('image');
  const { json: text, binary: bytes, jsonBytes } = imageBodies();
  const few = { ...context, connections: 2 };
  const notes = { json: new Notes(), binary: new Notes() };
  const rates = await measure(
    few,
    {
      json: httpLoad(few, target, [text], notes.json),
      binary: httpLoad(few, target, [bytes], notes.binary, binaryHeaders(jsonBytes)),
    },
    Object.values(notes),
  );
  report({
    name: 'an image of 3 x 224 x 224 singles, binary tensors',
    value: median(rates.binary),
    unit: 'requests/s',
    floor: { name: 'JSON', value: median(rates.json) },
    aim: { least: 1.3, of: 'ratio' },
  });
  reportCpu('an image, binary tensors', notes.binary, 'JSON', notes.json);
}

async function grpc(context: BenchContext): Promise<void> {
  const { millrace, connections, durationMs, senderCore } = context;
  const messages = grpcMessages('bench', 1);
  const together = 8;
  const notes = { rest: new Notes(), grpc: new Notes(), together: new Notes() };
  const load = (streams: number, own: Notes) => () => {
    const plan = {
      url: millrace.grpcUrl,
      path: inferMethod,
      messages,
      connections: connections / streams,
      streams,
      durationMs,
    };
    return noted(() => runGrpcLoad(plan, senderCore), 'gRPC', millrace.serve.pid, own);
  };
  const rates = await measure(
    context,
    {
      rest: httpLoad(context, millrace.infer('bench'), jsonBodies(1), notes.rest),
      grpc: load(1, notes.grpc),
      together: load(together, notes.together),
    },
    Object.values(notes),
  );
  const floor = { name: 'REST', value: median(rates.rest) };
  const unary = { unit: 'requests/s', floor, aim: { least: 0.6, of: 'ratio' as const } };
  const spread = `1 row, gRPC unary, ${connections} connections`;
  const joined = `1 row, gRPC unary, ${connections / together} connections with ${together} calls at a time`;
  report({ name: spread, value: median(rates.grpc), ...unary });
  reportCpu(spread, notes.grpc, 'REST', notes.rest);
  report({ name: joined, value: median(rates.together), ...unary });
  reportCpu(joined, notes.together, 'REST', notes.rest);
}

/** The echo at the same rate tells how much of the tail is the machine's and the sender's own. */
async function openLoop(context: BenchContext): Promise<void> {
  const { millrace, echo, connections, durationMs, senderCore, rounds } = context;
  const bodies = jsonBodies(1);
  const target = millrace.infer('bench');
  const saturation = await httpLoad(context, target, bodies)();
  const ratePerSecond = Math.round(saturation / 2);
  const p99Ms = (url: string) => async () => {
    const plan = { url, bodies, connections, durationMs, ratePerSecond };
    const result = await runLoad(plan, senderCore);
    requireNoFailure(result, 'open loop');
    return result.latencyMs.p99;
  };
  const tails = await interleave(rounds, { millrace: p99Ms(target.url), echo: p99Ms(echo.url) });
  report({
    name: `p99 of an open loop at half of saturation (${ratePerSecond} requests/s)`,
    value: median(tails.millrace),
    unit: 'ms',
    floor: { name: 'bare node:http echo at that rate', value: median(tails.echo) },
    aim: { most: 10, of: 'value' },
  });
}

async function batch(context: BenchContext): Promise<void> {
  const target = context.millrace.infer('bench');
  const rates = await measure(
    context,
    {
      one: httpLoad(context, target, jsonBodies(1)),
      many: httpLoad(context, target, jsonBodies(manyRows)),
    },
    [],
  );
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
    const notes = { millrace: new Notes(), mlflow: new Notes() };
    const theirs = Array.from({ length: 64 }, (_, i) => peer.body(rowsOf(i, 1)));
    const rates = await measure(
      context,
      {
        millrace: httpLoad(context, millrace.infer('pyfunc'), jsonBodies(1), notes.millrace),
        mlflow: httpLoad(context, peer, theirs, notes.mlflow),
      },
      Object.values(notes),
    );
    const name = '1 row, JSON, scikit-learn in Python';
    report({
      name,
      value: median(rates.millrace),
      unit: 'requests/s',
      floor: { name: 'mlflow models serve', value: median(rates.mlflow) },
      aim: { least: 2, of: 'ratio' },
    });
    reportCpu(name, notes.millrace, 'mlflow models serve', notes.mlflow);
  });
}

/** Memory after a tenth of the requests, and after all of them. */
async function memory(context: BenchContext): Promise<void> {
  const { millrace, connections, senderCore } = context;
  const requests = Number(process.env.BENCH_REQUESTS ?? 200_000);
  const [{ url }, bodies] = [millrace.infer('bench'), jsonBodies(1)];
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
  images,
  grpc,
  open: openLoop,
  batch,
  pyfunc,
  swaps: hotSwaps,
  restarts: controlRestarts,
  memory,
} as const satisfies Readonly<Record<string, (context: BenchContext) => Promise<void>>>;

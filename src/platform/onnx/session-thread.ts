/** A thread that holds one graph at a time: loads it, runs it, closes it. See ThreadSession. */
import { parentPort } from 'node:worker_threads';
import { Tensor } from 'onnxruntime-node';
import { MillraceError } from '../../core/errors.ts';
import { type GraphSession, openSession, runtimeMessage } from './session.ts';
import type { NamedTensor, SessionReply, SessionRequest } from './session-protocol.ts';

let session: GraphSession | null = null;

/** The clock of the processor's time ticks about so often: what is shorter is told by the clock on the wall. */
const tickMs = 4;

async function timed<T>(work: () => Promise<T>): Promise<{ readonly elapsedMs: number; readonly value: T }> {
  const startedMs = performance.now();
  const startedCpu = process.threadCpuUsage();
  const value = await work();
  return { elapsedMs: elapsed(startedMs, startedCpu), value };
}

/**
 * How long this thread worked: the time that passed, but for what other processes took of it. That is what the
 * processor's own clock says, which knows no short times.
 */
function elapsed(startedMs: number, startedCpu: NodeJS.CpuUsage): number {
  const wallMs = performance.now() - startedMs;
  if (wallMs <= tickMs) return wallMs;
  const { user, system } = process.threadCpuUsage(startedCpu);
  return Math.min(wallMs, Math.max(tickMs, (user + system) / 1000));
}

parentPort?.on('message', async (request: SessionRequest) => {
  const { id } = request;
  try {
    const { elapsedMs, value: outputs } =
      request.kind === 'measure' ? await measured(request) : await timed(() => answer(request));
    const trees = request.kind === 'trees' ? session?.trees : undefined;
    const reply: SessionReply = { id, ok: true, elapsedMs, outputs, trees };
    parentPort?.postMessage(
      reply,
      outputs.flatMap(({ data }) => transferable(data)),
    );
  } catch (error) {
    const problem = error instanceof MillraceError ? String(error.params.problem) : runtimeMessage(error);
    parentPort?.postMessage({ id, ok: false, problem } satisfies SessionReply);
  }
});

/** The shortest of many runs: the first ones pay for code that is not compiled and memory that is not there yet. */
async function measured({ feeds, until }: Extract<SessionRequest, { kind: 'measure' }>) {
  const tensors = feedsOf(feeds);
  let best = await timed(() => run(tensors));
  let spentMs = best.elapsedMs;
  // What other processes take of the time is no reason to end sooner: it counts by the shortest run.
  for (let runs = 1; spentMs <= until.mostMs; runs++) {
    if (runs >= until.runs && runs * best.elapsedMs >= until.steadyMs) break;
    const next = await timed(() => run(tensors));
    spentMs += next.elapsedMs;
    best = { ...next, elapsedMs: Math.min(best.elapsedMs, next.elapsedMs) };
  }
  return best;
}

async function answer(
  request: Exclude<SessionRequest, { kind: 'measure' }>,
): Promise<readonly NamedTensor[]> {
  switch (request.kind) {
    case 'load':
      session = openSession(request.onnx);
      return [];
    case 'trees':
      return [];
    case 'close':
      await session?.close();
      session = null;
      return [];
    case 'run':
      return run(feedsOf(request.feeds));
  }
}

function feedsOf(feeds: readonly NamedTensor[]): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    feeds.map(({ name, type, data, dims }) => [
      name,
      new Tensor(type as 'float32', data as Float32Array, dims),
    ]),
  );
}

async function run(feeds: Readonly<Record<string, Tensor>>): Promise<readonly NamedTensor[]> {
  const result = (await session?.run(feeds)) ?? {};
  return Object.entries(result).map(([name, { data, dims }]) => ({
    name,
    type: 'float32' as const,
    data,
    dims,
  }));
}

function transferable(data: Tensor.DataType): ArrayBuffer[] {
  return ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : [];
}

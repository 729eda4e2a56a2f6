/** A thread that holds one graph at a time: loads it, runs it, closes it. See ThreadSession. */
import { parentPort } from 'node:worker_threads';
import { Tensor } from 'onnxruntime-node';
import { MillraceError } from '../../core/errors.ts';
import { type GraphSession, openSession, runtimeMessage } from './session.ts';
import type { NamedTensor, SessionReply, SessionRequest } from './session-protocol.ts';

let session: GraphSession | null = null;

/** The clock of the processor's time ticks about so often: what is shorter is told by the clock on the wall. */
const tickMs = 4;

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
  const startedMs = performance.now();
  const startedCpu = process.threadCpuUsage();
  try {
    const outputs = await answer(request);
    const elapsedMs = elapsed(startedMs, startedCpu);
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

async function answer(request: SessionRequest): Promise<readonly NamedTensor[]> {
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
    case 'run': {
      const feeds = request.feeds.map(({ name, type, data, dims }) => [
        name,
        new Tensor(type as 'float32', data as Float32Array, dims),
      ]);
      const result = (await session?.run(Object.fromEntries(feeds))) ?? {};
      return Object.entries(result).map(([name, { data, dims }]) => ({
        name,
        type: 'float32' as const,
        data,
        dims,
      }));
    }
  }
}

function transferable(data: Tensor.DataType): ArrayBuffer[] {
  return ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : [];
}

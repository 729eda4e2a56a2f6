import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { fail } from '../../core/errors.ts';

/** An output of a graph as the runtime gives it. */
export type GraphOutput = Pick<Tensor, 'dims' | 'size' | 'data'>;

/** A graph in the runtime, wherever it computes. */
export interface GraphSession {
  /** Whether `run` takes the memory of its feeds away. */
  readonly movesFeeds: boolean;
  /** Computes all outputs. Rejects with the runtime's error. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, GraphOutput>>>;
  /** Frees the native memory; nothing may be running or come later. */
  close(): Promise<void>;
}

/**
 * Opens a graph on this thread, which stands still while it loads and while it computes (both are synchronous in
 * onnxruntime-node). One thread and no spinning: for models of a few microseconds more threads cost twice the CPU
 * for nothing. Throws `onnx_invalid` when the runtime refuses the graph.
 */
export async function openSession(onnx: Uint8Array): Promise<GraphSession> {
  try {
    const session = await InferenceSession.create(onnx, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    });
    return { movesFeeds: false, run: (feeds) => session.run(feeds), close: () => session.release() };
  } catch (cause) {
    throw fail('onnx_invalid', { problem: runtimeMessage(cause) }, cause);
  }
}

/** The runtime's message without its source location. */
export function runtimeMessage(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return (
    message
      .replace(/^.*?(?:\.cc|\.h):\d+ \S+ /s, '')
      .split('\n')[0]
      ?.slice(0, 300) ?? ''
  );
}

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

/** The runtime's message without the place in its sources, and what it says often in plain words. */
export function runtimeMessage(cause: unknown): string {
  const message = withoutPlace(cause instanceof Error ? cause.message : String(cause));
  for (const [pattern, words] of plainWords) {
    const match = pattern.exec(message);
    if (match) return words(match.slice(1));
  }
  return message.split('\n')[0]?.slice(0, 300) ?? '';
}

const domainName = (name = '') => (name === '' ? 'ai.onnx' : name);

const plainWords: readonly (readonly [RegExp, (parts: (string | undefined)[]) => string])[] = [
  [
    /Opset (\d+) is under development.*domain (\S*) is till opset (\d+)/s,
    ([opset, domain, most]) =>
      `it needs opset ${opset} of ${domainName(domain)}; this runtime has them up to ${most}`,
  ],
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    ([version, most]) =>
      `it is written in version ${version} of the format; this runtime reads them up to ${most}`,
  ],
  [
    /(?:Fatal error: )?(?:([\w.]*):)?(\w+)\(-?\d+\) is not a registered function\/op/,
    ([domain, name]) =>
      `it uses the operator ${name} of ${domainName(domain)}, which this runtime does not have`,
  ],
  [
    /No Op registered for (\w+) with domain_version of (\d+)/,
    ([name, opset]) => `it uses the operator ${name}, which opset ${opset} does not have`,
  ],
  [
    /No opset import for domain '([^']*)'/,
    ([domain]) => `it uses operators of ${domainName(domain)} and does not say of which opset`,
  ],
];

/** Drops `/path/file.cc:46 void f(const A<B()>&)` in front of a message. */
function withoutPlace(message: string): string {
  const place = /^.*?\.(?:cc|h|cpp|hpp):\d+ /s.exec(message);
  if (!place) return message;
  const rest = message.slice(place[0].length);
  let depth = 0;
  for (let i = rest.indexOf('('); i >= 0 && i < rest.length; i++) {
    if (rest[i] === '(') depth++;
    if (rest[i] === ')' && --depth === 0) return rest.slice(i + 1).replace(/^(?: const)? /, '');
  }
  return rest;
}

import { errorMessage } from '../../core/error-message.ts';
import './no-telemetry.ts';
import type { Tensor } from 'onnxruntime-node';
// The package's own run() waits for a turn of the event loop, which costs more than a small model: this is what it calls.
import { binding, initOrt } from 'onnxruntime-node/dist/binding.js';
import { fail } from '../../core/errors.ts';
import { readTreeModel, type TreeModel, TreeSession } from './trees/tree-session.ts';

/** An output of a graph as the runtime gives it. */
export type GraphOutput = Pick<Tensor, 'dims' | 'size' | 'data'>;

export type GraphOutputs = Readonly<Record<string, GraphOutput>>;

/** A graph in the runtime, wherever it computes. */
export interface GraphSession {
  /** Whether `run` takes the memory of its feeds away. */
  readonly movesFeeds: boolean;
  /** The trees that the graph consists of, where it is computed as such. */
  readonly trees?: TreeModel;
  /** Computes all outputs, at once where it computes on this thread. Throws or rejects with the runtime's error. */
  run(feeds: Readonly<Record<string, Tensor>>): GraphOutputs | Promise<GraphOutputs>;
  /** Frees the native memory; nothing may be running or come later. */
  close(): Promise<void>;
}

/**
 * Opens a graph on this thread, which stands still while it loads and while it computes: an ensemble of trees as a
 * `TreeSession`, all else in the runtime. Throws `onnx_invalid` when the runtime refuses the graph.
 */
export function openSession(onnx: Uint8Array): GraphSession {
  const runtime = openRuntime(onnx);
  const trees = readTreeModel(onnx, runtime);
  if (!trees) return runtime;
  void runtime.close();
  return new TreeSession(trees);
}

/**
 * Opens a graph in the runtime; loading and computing are synchronous in onnxruntime-node. One thread and no spinning:
 * for models of a few microseconds more threads cost twice the CPU for nothing. Throws `onnx_invalid` when the runtime
 * refuses the graph.
 */
export function openRuntime(onnx: Uint8Array): GraphSession {
  try {
    initOrt();
    const session = new binding.InferenceSession();
    session.loadModel(onnx.buffer as ArrayBuffer, onnx.byteOffset, onnx.byteLength, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    });
    const wanted = Object.fromEntries(session.outputMetadata.map(({ name }) => [name, null]));
    return {
      movesFeeds: false,
      run: (feeds) => session.run(feeds, wanted, {}) as Readonly<Record<string, Tensor>>,
      close: async () => session.dispose(),
    };
  } catch (cause) {
    throw fail('onnx_invalid', { problem: runtimeMessage(cause) }, cause);
  }
}

/** The runtime's message without the place in its sources, and what it says often in plain words. */
export function runtimeMessage(cause: unknown): string {
  const message = withoutPlace(errorMessage(cause));
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

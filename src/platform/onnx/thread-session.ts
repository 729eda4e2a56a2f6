import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMarkedAsUntransferable, Worker } from 'node:worker_threads';
import type { Tensor } from 'onnxruntime-node';
import { errorMessage } from '../../core/error-message.ts';
import { installationDirectory } from '../../core/installation.ts';
import type { GraphOutput, GraphSession } from './session.ts';
import type { MeasuredUntil, NamedTensor, SessionReply, SessionRequest } from './session-protocol.ts';
import type { TreeModel } from './trees/tree-session.ts';

type Feeds = Readonly<Record<string, Tensor>>;
type Outputs = Readonly<Record<string, GraphOutput>>;
type Reply = Extract<SessionReply, { ok: true }>;
type Question = SessionRequest extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

/** The thread is gone; what it was computing is lost. */
export class ThreadStopped extends Error {
  override readonly name = 'ThreadStopped';
}

/**
 * A thread with onnxruntime in it. It can hold one graph after another. What it computes takes no time of this
 * thread but for a hop of some 50 µs.
 */
export class SessionThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  readonly #stopped: Promise<string>;
  #nextId = 1;
  #gone = false;

  constructor() {
    const file = join(installationDirectory, 'src/platform/onnx/session-thread.ts');
    this.#worker = new Worker(file, { execArgv: ['--disable-warning=ExperimentalWarning'] });
    let problem = '';
    this.#worker.on('message', (reply: SessionReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (this.#waiting.size === 0) this.#worker.unref();
      if (reply.ok) waiting?.resolve(reply);
      else waiting?.reject(new Error(reply.problem));
    });
    this.#worker.on('error', (error) => {
      problem = errorMessage(error);
    });
    this.#stopped = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#gone = true;
        problem ||= `it ended with code ${code}`;
        for (const { reject } of this.#waiting.values()) reject(new ThreadStopped(problem));
        this.#waiting.clear();
        resolve(problem);
      });
    });
  }

  get alive(): boolean {
    return !this.#gone;
  }

  /** Resolves with the reason when the thread has ended, by itself or because it was stopped. */
  get stopped(): Promise<string> {
    return this.#stopped;
  }

  /** Loads a graph and tells how long the thread stood still. The bytes are moved: they are empty afterwards. */
  async load(onnx: Uint8Array): Promise<number> {
    const bytes = (isWhole(onnx) ? onnx : new Uint8Array(onnx)) as Uint8Array<ArrayBuffer>;
    return (await this.#ask({ kind: 'load', onnx: bytes }, [bytes.buffer])).elapsedMs;
  }

  /** The trees that the loaded graph consists of; null where it is another. */
  async trees(): Promise<TreeModel | null> {
    return (await this.#ask({ kind: 'trees' }, [])).trees ?? null;
  }

  async run(feeds: Feeds): Promise<Outputs> {
    const { tensors, moved } = travelling(feeds);
    return outputsOf(await this.#ask({ kind: 'run', feeds: tensors }, moved));
  }

  /** Runs the loaded graph again and again; `elapsedMs` is the thread's own time of the shortest run. */
  async measure(feeds: Feeds, until: MeasuredUntil): Promise<{ elapsedMs: number; outputs: Outputs }> {
    const { tensors, moved } = travelling(feeds);
    const reply = await this.#ask({ kind: 'measure', feeds: tensors, until }, moved);
    return { elapsedMs: reply.elapsedMs, outputs: outputsOf(reply) };
  }

  /** Frees the loaded graph; the thread can load another. */
  async unload(): Promise<void> {
    await this.#ask({ kind: 'close' }, []);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(question: Question, moved: ArrayBuffer[]): Promise<Reply> {
    if (this.#gone) return this.#stopped.then((problem) => Promise.reject(new ThreadStopped(problem)));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, ...question }, moved);
    });
  }
}

/** Feeds as they go to another thread, and the memory that moves there with them. */
function travelling(feeds: Feeds): {
  readonly tensors: readonly NamedTensor[];
  readonly moved: ArrayBuffer[];
} {
  const moved: ArrayBuffer[] = [];
  const tensors = Object.entries(feeds).map(([name, { type, data, dims }]): NamedTensor => {
    if (!ArrayBuffer.isView(data)) return { name, type, data, dims };
    const whole = isWhole(data) ? data : (data as Float32Array).slice();
    moved.push(whole.buffer as ArrayBuffer);
    return { name, type, data: whole, dims };
  });
  return { tensors, moved };
}

const outputsOf = ({ outputs }: Reply): Outputs =>
  Object.fromEntries(outputs.map(({ name, data, dims }) => [name, { data, dims, size: data.length }]));

/** Is a view all of its memory, and may that be moved to another thread? */
function isWhole({ buffer, byteLength }: ArrayBufferView): boolean {
  return (
    buffer instanceof ArrayBuffer &&
    buffer.byteLength === byteLength &&
    byteLength > 0 &&
    !isMarkedAsUntransferable(buffer)
  );
}

const backoffMs = { first: 100, longest: 10_000 } as const;
/** A thread that lived longer than this did not die of its start. */
const healthyMs = 30_000;
/** Requests wait for a thread that comes back this soon; else they are refused at once. */
const worthWaitingMs = 1000;

interface ThreadSessionOptions {
  readonly onnx: () => Promise<Uint8Array>;
  /** Told when the thread has died and when it is back. */
  readonly onChange: (change: { readonly state: 'stopped' | 'restarted'; readonly problem: string }) => void;
}

/**
 * A graph on a thread of its own. A thread that dies is started again, at first at once and then with longer and
 * longer pauses; runs that it took with it are rejected with ThreadStopped, and so are those that come while the
 * pause is long.
 */
export class ThreadSession implements GraphSession {
  readonly movesFeeds = true;
  readonly #options: ThreadSessionOptions;
  #thread: SessionThread;
  #restarting: Promise<void> | null = null;
  #pauseMs: number = backoffMs.first;
  #startedMs = performance.now();
  #problem = '';
  #closed = false;

  /** @param thread has the graph loaded */
  constructor(thread: SessionThread, options: ThreadSessionOptions) {
    this.#thread = thread;
    this.#options = options;
    this.#watch(thread);
  }

  async run(feeds: Feeds): Promise<Outputs> {
    if (this.#restarting) {
      if (this.#pauseMs > worthWaitingMs) throw new ThreadStopped(this.#problem);
      await Promise.race([this.#restarting, sleep(worthWaitingMs, undefined, { ref: false })]);
    }
    return this.#thread.run(feeds);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread.unload().catch(() => undefined);
    await this.#thread.stop();
  }

  #watch(thread: SessionThread): void {
    void thread.stopped.then((problem) => {
      if (this.#closed) return;
      this.#problem = problem;
      if (performance.now() - this.#startedMs > healthyMs) this.#pauseMs = backoffMs.first;
      this.#options.onChange({ state: 'stopped', problem });
      this.#restarting = this.#restart();
    });
  }

  async #restart(): Promise<void> {
    while (!this.#closed) {
      await sleep(this.#pauseMs, undefined, { ref: false });
      this.#pauseMs = Math.min(backoffMs.longest, this.#pauseMs * 2);
      const thread = new SessionThread();
      try {
        await thread.load(await this.#options.onnx());
        this.#thread = thread;
        this.#startedMs = performance.now();
        this.#restarting = null;
        if (this.#closed) return await thread.stop();
        this.#watch(thread);
        this.#options.onChange({ state: 'restarted', problem: this.#problem });
        return;
      } catch (error) {
        this.#problem = (error as Error).message;
        await thread.stop();
      }
    }
  }
}

import type { Tensor } from 'onnxruntime-node';
import type { GraphOutputs, GraphSession } from './session.ts';

/** A run that computes for longer holds up all that arrives meanwhile; on its own thread it holds up its own model. */
const longRunMs = 50;

interface MovingSessionOptions {
  /** Loads the graph on a thread of its own. */
  readonly toThread: () => Promise<GraphSession>;
  /** Told when it is there, with the time that the long run took. */
  readonly onMove: (runMs: number) => void;
}

/**
 * A graph that computes on this thread until a run takes long, and on a thread of its own from then on. How long a graph
 * takes may depend on the values and sizes of what it is given, of which its sample says nothing.
 */
export class MovingSession implements GraphSession {
  readonly #options: MovingSessionOptions;
  #session: GraphSession;
  #place: 'inline' | 'thread' = 'inline';
  #isMoving = false;
  #closed = false;

  constructor(inline: GraphSession, options: MovingSessionOptions) {
    this.#session = inline;
    this.#options = options;
  }

  get place(): 'inline' | 'thread' {
    return this.#place;
  }

  get movesFeeds(): boolean {
    return this.#session.movesFeeds;
  }

  run(feeds: Readonly<Record<string, Tensor>>): GraphOutputs | Promise<GraphOutputs> {
    if (this.#place === 'thread' || this.#isMoving) return this.#session.run(feeds);
    const startedMs = performance.now();
    const startedCpu = process.threadCpuUsage();
    try {
      return this.#session.run(feeds);
    } finally {
      // A run that other processes held up says nothing of the graph.
      if (performance.now() - startedMs > longRunMs) {
        const { user, system } = process.threadCpuUsage(startedCpu);
        const runMs = (user + system) / 1000;
        if (runMs > longRunMs) void this.#move(runMs);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#session.close();
  }

  async #move(runMs: number): Promise<void> {
    this.#isMoving = true;
    const thread = await this.#options.toThread().catch(() => null);
    this.#isMoving = false;
    if (!thread) return;
    if (this.#closed) return thread.close();
    const inline = this.#session;
    this.#session = thread;
    this.#place = 'thread';
    this.#options.onMove(runMs);
    await inline.close();
  }
}

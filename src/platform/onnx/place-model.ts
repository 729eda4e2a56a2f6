import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../core/errors.ts';
import { emptyCells } from './empty-cells.ts';
import { OnnxModel, type OnnxPackage } from './model.ts';
import { MovingSession } from './moving-session.ts';
import { cellRows } from './row-block.ts';
import { type GraphSession, openSession } from './session.ts';
import { SessionThread, ThreadSession } from './thread-session.ts';
import { TreeSession } from './trees/tree-session.ts';
import { encode } from './wire.ts';

/** Where a model computes, and the measurements that decided it. */
export interface Placement {
  /** `inline`: on the thread that answers requests; `thread`: on one of its own. */
  readonly place: 'inline' | 'thread';
  /** Largest batch worth its time. */
  readonly maxRows: number;
  /** How long a thread stands still while it loads, on a machine that does nothing else. */
  readonly loadMs: number;
  /** Best time of a run by its rows. */
  readonly runs: readonly { readonly rows: number; readonly ms: number }[];
}

/** A model that is loaded, and where and why there. */
export interface PlacedModel {
  readonly model: OnnxModel;
  readonly placement: Placement;
}

/** Told of what becomes of models after they were placed. */
interface PlacerEvents {
  readonly onThread: (name: string, state: 'stopped' | 'restarted', problem: string) => void;
  /** Told of a model that was small on its sample, and moved to a thread after a run took this long. */
  readonly onMove: (name: string, runMs: number) => void;
}

type Cells = readonly (readonly unknown[])[];

const batchSizes = [1, 8, 32, 128] as const;
/** The first runs of a graph take ten times as long as the later ones: their code is not compiled yet. */
const measuredUntil = { runs: 4, steadyMs: 3, mostMs: 500 } as const;
/** Pauses before a model that did not look small is measured again: a busy machine is not busy all the time. */
const againAfterMs = [10, 40, 160, 640] as const;
/** What takes longer than this was not made so by other processes, and is not measured again. */
const surelyLong = { loadMs: 80, runMs: 8 } as const;
/** A batch that takes longer would hold up the requests that arrive meanwhile more than the hop to a thread does. */
const inlineRunMs = 0.4;
/** Where not even this many rows fit into that time, requests that come together would queue up here. */
const leastInlineRows = 8;
/** A load that takes longer would be felt as a pause. */
const inlineLoadMs = 20;
/** Sizes whose time per row is within this of the best are as good. */
const asGood = 1.25;
/** A thread that is not used again within this is ended. */
const spareMs = 5000;

/**
 * Loads models without holding up the thread that answers requests: a graph is loaded, warmed up and measured on
 * another thread first. Small ones are then loaded here as well, where a run costs no hop; the others stay.
 */
export class ModelPlacer {
  readonly #events: PlacerEvents;
  #spare: SessionThread | null = null;
  #timer: NodeJS.Timeout | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(events: PlacerEvents) {
    this.#events = events;
  }

  /**
   * Models are placed one after the other: one that is measured beside another would look slower than it is.
   *
   * @param onnx gives the graph's bytes, each time in memory of their own
   * @param sample rows for warm-up and measurement; empty values stand in where there are none
   * @param name of the model, for messages
   * Throws `onnx_invalid` when the runtime refuses the graph, `inference_failed` when it fails on its sample.
   */
  place(
    onnx: () => Promise<Uint8Array>,
    pkg: OnnxPackage,
    sample: Cells,
    name: string,
  ): Promise<PlacedModel> {
    const placed = this.#last.then(() => this.#place(onnx, pkg, sample, name));
    this.#last = placed.catch(() => undefined);
    return placed;
  }

  async #place(
    onnx: () => Promise<Uint8Array>,
    pkg: OnnxPackage,
    sample: Cells,
    name: string,
  ): Promise<PlacedModel> {
    const thread = await this.#thread();
    let kept = false;
    try {
      const threadLoadMs = await load(thread, await onnx());
      // Trees come here as the thread has read them: nothing stands still for them.
      const trees = await thread.trees();
      const loadMs = trees ? 0 : threadLoadMs;
      const measuring: Measuring = {
        loadMs,
        runs: (sizes) => measure(thread, pkg, sample, name, sizes),
        load: async () => {
          await thread.unload();
          return load(thread, await onnx());
        },
      };
      const sizes = pkg.tensors === 'whole' ? batchSizes.slice(0, 1) : batchSizes;
      const placement = await steadyPlacement(measuring, sizes);
      if (placement.place === 'inline') {
        await thread.unload();
        const session = trees ? new TreeSession(trees) : this.#moving(openSession(await onnx()), onnx, name);
        const model = new OnnxModel(session, pkg);
        for (const rows of warmUps(pkg, sample, placement))
          await model.predictRows(rows).catch(() => undefined);
        if (session instanceof TreeSession) return { model, placement };
        // Where it computes later is told by the session.
        const later = {
          ...placement,
          get place() {
            return session.place;
          },
        };
        return { model, placement: later };
      }
      kept = true;
      return { model: new OnnxModel(this.#watched(thread, onnx, name), pkg), placement };
    } catch (error) {
      await thread.unload().catch(() => undefined);
      throw error;
    } finally {
      if (!kept) this.#keep(thread);
    }
  }

  #watched(thread: SessionThread, onnx: () => Promise<Uint8Array>, name: string): ThreadSession {
    const onChange = (change: { state: 'stopped' | 'restarted'; problem: string }) =>
      this.#events.onThread(name, change.state, change.problem);
    return new ThreadSession(thread, { onnx, onChange });
  }

  #moving(inline: GraphSession, onnx: () => Promise<Uint8Array>, name: string): MovingSession {
    const toThread = async () => {
      const thread = new SessionThread();
      await thread.load(await onnx());
      return this.#watched(thread, onnx, name);
    };
    return new MovingSession(inline, { toThread, onMove: (ms) => this.#events.onMove(name, ms) });
  }

  /** Ends the thread that is kept for the next model. */
  async close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    await this.#spare?.stop();
    this.#spare = null;
  }

  async #thread(): Promise<SessionThread> {
    const spare = this.#spare;
    this.#spare = null;
    if (this.#timer) clearTimeout(this.#timer);
    if (spare) return spare;
    const thread = new SessionThread();
    // The first graph of a thread pays for the start of the runtime, which must not count as its own.
    await thread.load(smallestGraph());
    await thread.unload();
    return thread;
  }

  #keep(thread: SessionThread): void {
    if (!thread.alive) return;
    if (this.#spare) return void thread.stop();
    this.#spare = thread;
    this.#timer = setTimeout(() => void this.close(), spareMs).unref();
  }
}

async function load(thread: SessionThread, onnx: Uint8Array): Promise<number> {
  try {
    return await thread.load(onnx);
  } catch (cause) {
    throw fail('onnx_invalid', { problem: (cause as Error).message }, cause);
  }
}

/** Best times of runs on the thread; none when there is no sample and the graph refuses empty values. */
async function measure(
  thread: SessionThread,
  pkg: OnnxPackage,
  sample: Cells,
  name: string,
  sizes: readonly number[],
): Promise<Placement['runs']> {
  let elapsedMs = 0;
  const model = new OnnxModel(
    {
      movesFeeds: true,
      run: async (feeds) => {
        const result = await thread.measure(feeds, measuredUntil);
        elapsedMs = result.elapsedMs;
        return result.outputs;
      },
      close: async () => {},
    },
    pkg,
  );
  const rows = sample.length > 0 ? sample : [emptyCells(pkg)];
  const runs: { rows: number; ms: number }[] = [];
  try {
    for (const size of sizes) {
      const block = [cellRows(repeated(rows, size))];
      await model.predictBlocks(block);
      runs.push({ rows: size, ms: elapsedMs });
      // A larger size would take longer still.
      if (elapsedMs > measuredUntil.mostMs) break;
    }
  } catch (cause) {
    if (sample.length === 0) return runs;
    const problem = `its own sample fails: ${(cause as Error).message}`;
    throw fail('inference_failed', { model: name, version: 'loaded', problem }, cause);
  }
  return runs;
}

/** How a model is measured. */
interface Measuring {
  /** What its first load took. */
  readonly loadMs: number;
  /** Best times of runs of these sizes. */
  readonly runs: (sizes: readonly number[]) => Promise<Placement['runs']>;
  /** Loads it anew. */
  readonly load: () => Promise<number>;
}

/**
 * Measures until the model is known to be small, or has been measured often enough: what else the machine does only
 * makes a measurement longer, so the shortest of each is kept, and a measurement that says "small" is believed at once.
 *
 * @param sizes rows of the runs
 */
export async function steadyPlacement(
  measuring: Measuring,
  sizes: readonly number[],
  pause: (ms: number) => Promise<unknown> = sleep,
): Promise<Placement> {
  let { loadMs } = measuring;
  let runs = await measuring.runs(sizes);
  const decisive = sizes.find((rows) => rows >= leastInlineRows) ?? sizes.at(-1);
  const isShort = () => placementOf(0, runs).place === 'inline';
  let again = false;
  for (const ms of againAfterMs) {
    const decisiveMs = runs.find(({ rows }) => rows === decisive)?.ms ?? Number.POSITIVE_INFINITY;
    if (isShort() ? loadMs <= inlineLoadMs || loadMs > surelyLong.loadMs : decisiveMs > surelyLong.runMs)
      break;
    await pause(ms);
    if (isShort()) loadMs = Math.min(loadMs, await measuring.load());
    else {
      again = true;
      runs = shortest(runs, await measuring.runs(decisive === undefined ? [] : [decisive]));
    }
  }
  // What one size was measured to be again, the others were perhaps too.
  if (again && isShort()) runs = shortest(runs, await measuring.runs(sizes));
  return placementOf(loadMs, runs);
}

function shortest(before: Placement['runs'], now: Placement['runs']): Placement['runs'] {
  const known = new Map(before.map(({ rows, ms }) => [rows, ms]));
  for (const { rows, ms } of now) known.set(rows, Math.min(ms, known.get(rows) ?? ms));
  return [...known].map(([rows, ms]) => ({ rows, ms }));
}

const repeated = (rows: Cells, size: number): Cells =>
  Array.from({ length: size }, (_, i) => rows[i % rows.length] ?? []);

/**
 * The batch and the place that measurements speak for. Of the sizes whose time per row is about the best, the
 * largest that may run inline; where none may, the largest.
 */
export function placementOf(loadMs: number, runs: Placement['runs']): Placement {
  const bestMs = Math.min(...runs.map(({ rows, ms }) => ms / rows));
  const good = runs.filter(({ rows, ms }) => ms / rows <= bestMs * asGood);
  const enough = runs.length === 1 ? 1 : leastInlineRows;
  const short = good.findLast(({ rows, ms }) => ms <= inlineRunMs && rows >= enough);
  const inline = loadMs <= inlineLoadMs && (short !== undefined || runs.length === 0);
  const chosen = (inline ? short : good.at(-1)) ?? { rows: batchSizes.at(-1) as number };
  return { place: inline ? 'inline' : 'thread', maxRows: chosen.rows, loadMs, runs };
}

/** Rows that let a freshly loaded graph allocate what it needs for its smallest and its largest batch. */
function warmUps(pkg: OnnxPackage, sample: Cells, { maxRows, runs }: Placement): Cells[] {
  const rows = sample.length > 0 ? sample : [emptyCells(pkg)];
  return runs.length === 0 ? [] : [repeated(rows, 1), repeated(rows, maxRows)];
}

/** One node that gives its input back. */
function smallestGraph(): Uint8Array {
  const float = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }] } } };
  return encode('Model', {
    irVersion: 8,
    opsetImport: [{ domain: '', version: 13 }],
    graph: {
      name: 'start',
      node: [encode('Node', { opType: 'Identity', input: ['x'], output: ['y'] })],
      input: [{ name: 'x', type: float }],
      output: [{ name: 'y', type: float }],
    },
  });
}

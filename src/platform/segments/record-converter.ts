import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { installationDirectory } from '../../core/installation.ts';
import type { ConvertedSegment } from './convert-lines.ts';
import type { RecordsJob } from './convert-records.ts';
import type { ConvertAnswer, ConvertReply, ConvertRequest } from './convert-thread.ts';
import type { LinesJob, RecordLines } from './record-lines.ts';

interface Waiting {
  readonly resolve: (answer: ConvertAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** Reads segments of records on a thread of its own, which begins with the first of them. */
export class RecordConverter {
  #thread: Worker | null = null;
  #lastId = 0;
  readonly #waiting = new Map<number, Waiting>();

  /** As `convertRecords`; rejects with what it throws. */
  convert(job: RecordsJob): Promise<ConvertedSegment> {
    return this.#ask({ convert: job }) as Promise<ConvertedSegment>;
  }

  /** As `recordLines`; rejects with what it throws. */
  lines(job: LinesJob): Promise<RecordLines> {
    return this.#ask({ lines: job }) as Promise<RecordLines>;
  }

  /** Whether its thread can be started, and answers. */
  answers(): Promise<boolean> {
    const nothing = this.lines({ path: '', from: 0, end: 0, mostBytes: 0 });
    return nothing.then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #ask(request: { readonly convert: RecordsJob } | { readonly lines: LinesJob }): Promise<ConvertAnswer> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<ConvertAnswer>();
    this.#waiting.set(id, { resolve, reject });
    this.#thread ??= this.#start();
    this.#thread.ref();
    this.#thread.postMessage({ id, ...request } satisfies ConvertRequest);
    return promise;
  }

  #start(): Worker {
    const file = join(installationDirectory, 'src/platform/segments/convert-thread.ts');
    const thread = new Worker(file, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // The standard one of 48 MB fills with rows that are garbage at once, and makes it no faster.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    thread.on('message', (reply: ConvertReply) => this.#take(reply));
    thread.once('error', (error) => this.#end(thread, error));
    thread.once('exit', (code) =>
      this.#end(thread, new Error(`the thread that reads segments ended with ${code}`)),
    );
    return thread;
  }

  #take(reply: ConvertReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#thread?.unref();
    if ('answer' in reply) waiting?.resolve(reply.answer);
    else waiting?.reject(Object.assign(new Error(reply.problem), { code: reply.code }));
  }

  /** A thread is gone: what comes next begins another one. */
  #end(thread: Worker, error: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = null;
    for (const { reject } of this.#waiting.values())
      reject(error instanceof Error ? error : new Error(String(error)));
    this.#waiting.clear();
  }
}

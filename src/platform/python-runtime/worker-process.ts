import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { installationDirectory } from '../../core/installation.ts';
import { readLines } from '../log/index.ts';
import { FrameStream } from './frame-stream.ts';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';
import { killGroup } from './run-program.ts';

const script = join(installationDirectory, 'python/worker.py');
const descriptor = 3;
const lastLines = 5;
/** How long a process that ended is listened to when another one, which left its group, has its pipes. */
const lastWordsMs = 1000;
/** Signals that come from people, supervisors and systems without memory; a program's own faults have others. */
const outsideSignals: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);
/** A request that takes more than this share of the memory that a worker may have is to blame for its end. */
const muchMemoryRatio = 0.25;

/** How a worker ended. */
interface WorkerEnd {
  readonly reason: string;
  /**
   * Whether what it computed is to blame, as far as can be told: it ended of itself, or took much memory for it. One
   * that was killed from outside, or was nearly full before, may have ended with any other request.
   */
  readonly byRequest: boolean;
}

/** A worker that ended while it was needed; the message says how. */
export class WorkerEnded extends Error {
  readonly byRequest: boolean;

  constructor({ reason, byRequest }: WorkerEnd) {
    super(reason);
    this.byRequest = byRequest;
  }
}

/** A worker that was ended because it did not answer in time. */
export class WorkerTimedOut extends Error {}

interface WorkerOptions {
  readonly python: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Memory that it may have; one with more is ended by `watchMemory`. */
  readonly memoryBytes: number;
  readonly onLine: (line: string) => void;
}

/** Who gets what the worker sends. */
interface Waiting {
  readonly push: (frame: Frame) => void;
  readonly fail: (error: Error) => void;
}

/** One Python process that answers one request at a time over a socket that only the two of them have. */
export class WorkerProcess {
  readonly startedMs = performance.now();
  /** Resolves with how the process ended. */
  readonly ended: Promise<WorkerEnd>;
  readonly #child: ChildProcess;
  readonly #memoryBytes: number;
  readonly #socket: Socket;
  readonly #lines: string[] = [];
  #waiting: Waiting | null = null;
  #end: WorkerEnd | null = null;
  /** Resident bytes when last looked at, and what that was when the present request began. */
  #bytes = 0;
  #bytesBefore = 0;

  constructor({ python, environment, workingDirectory, memoryBytes, onLine }: WorkerOptions) {
    this.#memoryBytes = memoryBytes;
    const child = spawn(python, ['-u', script, String(descriptor)], {
      cwd: workingDirectory,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    this.#socket = child.stdio[descriptor] as Socket;
    const reader = new FrameReader();
    this.#socket.on('data', (piece) => {
      try {
        for (const frame of reader.push(piece)) this.#answered(frame);
      } catch (error) {
        this.end(`it spoke out of turn: ${(error as Error).message}`, true);
      }
    });
    this.#socket.on('error', () => {});
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      void readLines(stream, (line) => {
        if (this.#lines.push(line) > lastLines) this.#lines.shift();
        onLine(line);
      });
    }
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve({ reason: error.message, byRequest: false }));
      child.once('exit', (code, signal) => {
        const end = () => resolve(this.#end ?? this.#describeEnd(code, signal));
        child.once('close', end);
        // What the model's code had started holds the pipes open, and would for as long as it likes.
        killGroup(child.pid);
        setTimeout(end, lastWordsMs).unref();
      });
    });
    void this.ended.then((end) => this.#giveUp(new WorkerEnded(end)));
  }

  /**
   * Sends a request and gives its answer. Rejects with `WorkerEnded`, or with `WorkerTimedOut` after `timeoutMs`,
   * when the process is ended. Throws for what cannot be a frame (values too deep for JSON), and is free then.
   */
  request(header: object, body: Uint8Array, timeoutMs: number): Promise<Frame> {
    const frame = encodeFrame(header, body);
    this.#begin();
    return new Promise<Frame>((resolve, reject) => {
      const timer = setTimeout(() => this.#onSilence(timeoutMs), timeoutMs);
      const done = <T>(take: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer);
          this.#waiting = null;
          take(value);
        };
      };
      this.#waiting = { push: done(resolve), fail: done(reject) };
      this.#send(frame);
    });
  }

  /**
   * Sends a request that is answered in pieces. The process is taken until the stream's `ended`.
   *
   * @param timeoutMs longest silence between two pieces; after it the process is ended
   * @throws as `request`
   */
  stream(header: object, body: Uint8Array, timeoutMs: number): FrameStream {
    const first = encodeFrame(header, body);
    this.#begin();
    const stream = new FrameStream(
      {
        send: (more, bytes) => this.#send(encodeFrame(more, bytes)),
        pause: () => this.#socket.pause(),
        resume: () => this.#socket.resume(),
        onSilence: () => this.#onSilence(timeoutMs),
      },
      timeoutMs,
    );
    this.#waiting = {
      push: (frame) => {
        if (frame.header.more !== true) this.#waiting = null;
        stream.push(frame);
      },
      fail: (error) => {
        this.#waiting = null;
        stream.fail(error);
      },
    };
    this.#send(first);
    return stream;
  }

  /** Looks at the memory that the process occupies and ends it where that is too much; only Linux tells. */
  async watchMemory(): Promise<void> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8').catch(() => '');
    const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1];
    if (kilobytes === undefined) return;
    this.#bytes = Number(kilobytes) * 1024;
    if (this.#bytes <= this.#memoryBytes) return;
    const size = (value: number) => `${Math.round(value / 1024 ** 2)} MB`;
    const much = `it took ${size(this.#bytes)} of memory, more than the ${size(this.#memoryBytes)} that it may`;
    this.end(much, this.#hasGrown);
  }

  get #hasGrown(): boolean {
    return this.#bytes - this.#bytesBefore > this.#memoryBytes * muchMemoryRatio;
  }

  /** Was it told to end? */
  get ending(): boolean {
    return this.#end !== null;
  }

  /** Ends the process at once; `reason` is what its requests are told, `byRequest` whether they are to blame. */
  end(reason: string, byRequest = false): void {
    this.#end ??= { reason, byRequest };
    killGroup(this.#child.pid);
  }

  /** Throws while another request is under way. */
  #begin(): void {
    if (this.#waiting) throw new Error('the worker is busy');
    // What was printed for an earlier request does not tell why a later one ended it.
    this.#lines.length = 0;
    this.#bytesBefore = this.#bytes;
  }

  #send(frame: readonly Uint8Array[]): void {
    for (const piece of frame) this.#socket.write(piece);
  }

  #onSilence(timeoutMs: number): void {
    this.#giveUp(new WorkerTimedOut(`no answer within ${timeoutMs} ms`));
    this.end(`it did not answer within ${timeoutMs} ms`, true);
  }

  #answered(frame: Frame): void {
    if (!this.#waiting) throw new Error('an answer that nobody asked for');
    this.#waiting.push(frame);
  }

  #giveUp(error: Error): void {
    this.#waiting?.fail(error);
  }

  #describeEnd(code: number | null, signal: NodeJS.Signals | null): WorkerEnd {
    const end = signal ? `signal ${signal}` : `exit code ${code}`;
    const last = this.#lines.findLast((line) => line.trim() !== '');
    return {
      reason: `it ended with ${end}${last ? `: ${last.slice(0, 300)}` : ''}`,
      byRequest: this.#hasGrown || !outsideSignals.has(signal ?? ''),
    };
  }
}

import { createWriteStream, rmSync } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { basename, dirname, join, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fail } from '../../core/errors.ts';
import type { CommandCall } from './command.ts';
import { bytes } from './format/text.ts';

const everyMs = 10_000;
const stopSignals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Fetches a file from control, however long it makes it, and says from time to time how far it is. It stands under the
 * name `out` only once it is whole: till then it has another one beside it, and is removed when anything goes wrong
 * or the command is stopped (Ctrl-C). What is no ordinary file (`/dev/stdout`) is written to as it comes.
 *
 * @returns the headers of the answer
 */
export async function download(call: CommandCall, path: string, out: string): Promise<IncomingHttpHeaders> {
  const target = await targetOf(resolve(out));
  // Before control works on it: a folder that is not there, or may not be written to, is told at once.
  const file = await create(target, out);
  const stop = (signal: NodeJS.Signals) => {
    if (target.isFile) rmSync(target.written, { force: true });
    process.off(signal, stop);
    process.kill(process.pid, signal);
  };
  for (const signal of stopSignals) process.on(signal, stop);
  const progress = new DownloadProgress(call.note);
  try {
    const answer = await call.api.client.download(path);
    progress.began(answer.headers);
    await pipeline(answer, progress.counted(), createWriteStream('', { fd: file }));
    if (target.isFile) await rename(target.written, target.path);
    return answer.headers;
  } catch (error) {
    if (target.isFile) await rm(target.written, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw unwritable(out, error);
    if (code !== 'ECONNRESET') throw error;
    throw fail('control_unreachable', { url: call.api.client.url, problem: progress.lost() }, error);
  } finally {
    progress.end();
    for (const signal of stopSignals) process.off(signal, stop);
    await file.close().catch(() => undefined);
  }
}

interface Target {
  /** Where the file shall stand in the end: what a link names, not the link. */
  readonly path: string;
  readonly written: string;
  readonly isFile: boolean;
}

async function targetOf(path: string): Promise<Target> {
  const present = await stat(path).catch(() => undefined);
  if (present && !present.isFile()) return { path, written: path, isFile: false };
  const real = present ? await realpath(path) : path;
  return { path: real, written: join(dirname(real), `.${basename(real)}.${process.pid}.part`), isFile: true };
}

async function create({ written }: Target, out: string): Promise<FileHandle> {
  try {
    return await open(written, 'w');
  } catch (error) {
    throw unwritable(out, error);
  }
}

function unwritable(file: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'its folder does not exist',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    EROFS: 'the disk is read-only',
    ENOSPC: 'the disk is full',
  };
  return fail('local_file_unwritable', { file, problem: words[code ?? ''] ?? message }, error);
}

/** Says every ten seconds how far a download is, on lines beside the answer. */
class DownloadProgress {
  readonly #timer: NodeJS.Timeout;
  readonly #beganMs = performance.now();
  #wholeBytes: number | undefined;
  #receivedBytes: number | undefined;

  constructor(note: (line: string) => void) {
    this.#timer = setInterval(() => note(this.#text()), everyMs);
  }

  began(headers: IncomingHttpHeaders): void {
    this.#receivedBytes = 0;
    const length = Number(headers['content-length']);
    if (Number.isFinite(length)) this.#wholeBytes = length;
  }

  /** Lets bytes through and counts them. */
  counted(): Transform {
    return new Transform({
      transform: (chunk: Uint8Array, _, done) => {
        this.#receivedBytes = (this.#receivedBytes ?? 0) + chunk.length;
        done(null, chunk);
      },
    });
  }

  lost(): string {
    return `the connection ended with ${this.#received()} received`;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #text(): string {
    const seconds = Math.round((performance.now() - this.#beganMs) / 1000);
    if (this.#receivedBytes === undefined)
      return `control is making the file: ${seconds} s so far (Ctrl-C stops it there too)`;
    return `${this.#received()} received`;
  }

  #received(): string {
    const whole = this.#wholeBytes === undefined ? '' : ` of ${bytes(this.#wholeBytes)}`;
    return `${bytes(this.#receivedBytes ?? 0)}${whole}`;
  }
}

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { type ErrorCode, fail, isErrorCode } from '../../../core/errors.ts';
import { installationDirectory } from '../../../core/installation.ts';
import { attemptVariable, noteProcess } from '../../../platform/executors/local/index.ts';
import type { FromBatchProcess, ToBatchProcess } from './protocol.ts';

type Answer = Exclude<FromBatchProcess, { type: 'failed' | 'broken' }>;

/** The process that scores a batch, as the step sees it: a message out, the next message in. */
export class BatchProcess {
  readonly #child: ChildProcess;
  readonly #arrived: FromBatchProcess[] = [];
  #wake: () => void = () => {};
  #ended: string | null = null;

  private constructor(child: ChildProcess, signal: AbortSignal) {
    this.#child = child;
    child.on('message', (message: FromBatchProcess) => {
      this.#arrived.push(message);
      this.#wake();
    });
    const end = (how: string) => {
      this.#ended = how;
      this.#wake();
    };
    child.on('error', (error) => {
      // Of a process that runs the exit tells. One that could not be started has none.
      if (child.pid === undefined) end(error.message);
    });
    child.on('exit', (code, killed) => end(killed ?? `exit ${code}`));
    signal.addEventListener('abort', () => this.#kill(), { once: true });
  }

  /** @param workDir of the attempt; a worker that was killed finds the process by it when it starts again */
  static async start(workDir: string, signal: AbortSignal): Promise<BatchProcess> {
    signal.throwIfAborted();
    const child = fork(join(installationDirectory, 'src/lifecycle/serving/batch/child.ts'), {
      serialization: 'advanced',
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, [attemptVariable]: workDir },
      detached: true,
    });
    const started = new BatchProcess(child, signal);
    if (child.pid !== undefined) await noteProcess(workDir, child.pid);
    return started;
  }

  send(message: ToBatchProcess): void {
    if (this.#child.pid !== undefined && this.#child.connected) this.#child.send(message);
  }

  /** The next message. Throws what the process says went wrong, and `batch_process_ended` when it is gone. */
  async next(signal: AbortSignal): Promise<Answer> {
    for (;;) {
      signal.throwIfAborted();
      const message = this.#arrived.shift();
      if (message?.type === 'failed') throw fail(codeOf(message.code), message.params);
      if (message?.type === 'broken') throw new Error(message.message);
      if (message) return message;
      if (this.#ended !== null) throw fail('batch_process_ended', { problem: this.#ended });
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    if (this.#ended !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#kill();
    await ended;
  }

  /** Ends the process with whatever it started; it is the head of a group of its own. */
  #kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#ended !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL');
    }
  }
}

function codeOf(code: string): ErrorCode {
  return isErrorCode(code) ? code : 'internal';
}

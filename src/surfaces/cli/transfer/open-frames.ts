import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { longestTimerMs } from '../../../core/time.ts';
import { Frames } from '../../../platform/frames/index.ts';

/** The frame engine, which does not keep a process alive by itself, in a command that has nothing else to wait for. */
class CommandFrames extends Frames {
  readonly #alive = setInterval(() => {}, longestTimerMs);

  override async close(): Promise<void> {
    await super.close();
    clearInterval(this.#alive);
  }
}

/** The frame engine for a command, with a folder of its own that goes with the process. Close it. */
export function openFrames(): Frames {
  const temporaryDirectory = mkdtempSync(join(tmpdir(), 'millrace-frames-'));
  process.once('exit', () => rmSync(temporaryDirectory, { recursive: true, force: true }));
  return new CommandFrames({ temporaryDirectory, memoryLimit: '1GB', threads: 2 });
}

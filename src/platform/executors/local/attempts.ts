import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signalGroup } from './run-command.ts';

/** Names the attempt in the environment of the programs that it starts, by its working directory. */
export const attemptVariable = 'MILLRACE_ATTEMPT';

const pidFile = '.process';

/**
 * The working directories of running attempts, one each, with a note of the process group that runs in it: a
 * worker that was killed can end what it left running when it starts again.
 */
export class Attempts {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Ends the processes and removes the directories of attempts that an earlier start left behind. */
  async clear(): Promise<void> {
    await mkdir(this.#root, { recursive: true });
    for (const name of await readdir(this.#root)) {
      const note = await readFile(join(this.#root, name, pidFile), 'utf8').catch(() => '');
      const pid = Number(note);
      if (Number.isInteger(pid) && pid > 1 && (await belongsTo(pid, join(this.#root, name))))
        signalGroup(pid, 'SIGKILL');
      await rm(join(this.#root, name), { recursive: true, force: true, maxRetries: 3 });
    }
  }

  /** An empty directory for an attempt. */
  async open(name: string): Promise<string> {
    const path = join(this.#root, name);
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
    return path;
  }

  async close(name: string): Promise<void> {
    await rm(join(this.#root, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Notes the process group that runs in an attempt's directory. */
export async function noteProcess(workDir: string, pid: number): Promise<void> {
  await writeFile(join(workDir, pidFile), String(pid));
}

/**
 * Whether a process was started for an attempt. Its number may since have gone to another program, and the note may
 * be a copy of another worker's, in a restored backup.
 */
async function belongsTo(pid: number, workDir: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return environment.split('\0').includes(`${attemptVariable}=${workDir}`);
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ControlClient } from '../../../platform/client/index.ts';
import { runCommand } from '../../../platform/executors/local/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';

/** Written beside the code by whoever sends it from a repository (`millrace apply`). */
export const sourceFile = '.millrace-source.json';

const sourceSchema = z.object({
  commit: z.string(),
  branch: z.string().nullable(),
  repoUrl: z.string().nullable(),
  diff: z.string(),
});
const environmentSchema = z.object({
  python: z.string(),
  platform: z.string(),
  packages: z.array(z.string()),
});

const probeTimeoutMs = 30_000;
const sendTimeoutMs = 60_000;
/** Of what a script writes, this much of its end is kept. */
const largestOutput = 1_000_000;

const probe = [
  'import importlib.metadata, json, platform',
  'names = {(d.metadata["Name"] or "", d.version) for d in importlib.metadata.distributions()}',
  'packages = sorted((f"{n}=={v}" for n, v in names if n), key=str.lower)',
  'about = {"python": platform.python_version(), "platform": platform.platform(), "packages": packages}',
  'print(json.dumps(about))',
].join('\n');

/** Python's version, the platform and the installed packages; null where the program does not tell. */
export async function environmentOf(
  program: string,
  env: Readonly<Record<string, string>>,
  cwd: string,
  signal: AbortSignal,
): Promise<z.output<typeof environmentSchema> | null> {
  const lines: string[] = [];
  try {
    const end = await runCommand({
      program,
      args: ['-c', probe],
      cwd,
      env,
      signal: AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]),
      onLine: (line, stream) => {
        if (stream === 'stdout') lines.push(line);
      },
    });
    return end.code === 0 ? environmentSchema.parse(JSON.parse(lines.at(-1) ?? '')) : null;
  } catch {
    return null;
  }
}

/** Which commit the code came from, and what was changed since; null where nobody said. */
async function sourceOf(code: string): Promise<z.output<typeof sourceSchema> | null> {
  try {
    return sourceSchema.parse(JSON.parse(await readFile(join(code, sourceFile), 'utf8')));
  } catch {
    return null;
  }
}

/** The last of what a script writes. */
export class OutputTail {
  #lines: string[] = [];
  #length = 0;

  add(line: string): void {
    this.#lines.push(line);
    this.#length += line.length + 1;
    while (this.#length > largestOutput && this.#lines.length > 1) {
      this.#length -= (this.#lines.shift()?.length ?? 0) + 1;
    }
  }

  get text(): string {
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n').slice(-largestOutput)}\n`;
  }
}

/** Tells control the code state of a script that has ended, for its runs. A failure to tell is no failure of the step. */
export async function tellCodeState(
  context: StepContext,
  code: string,
  environment: z.output<typeof environmentSchema> | null,
  output: string,
): Promise<void> {
  try {
    const body = { git: await sourceOf(code), environment, output };
    const control = new ControlClient(context.controlUrl, { token: context.token });
    const signal = AbortSignal.timeout(sendTimeoutMs);
    await control.call('/api/v1/runs/code', { body, schema: z.object({ runs: z.number() }), signal });
  } catch (error) {
    context.log(`the code state of its runs could not be recorded: ${(error as Error).message}`);
  }
}

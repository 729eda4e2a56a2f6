import { runCli } from './run-cli.ts';

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process, against the control at `url`. */
export async function runCommand(url: string, words: readonly string[]): Promise<Ended> {
  const lines = { out: '', err: '' };
  const code = await runCli(words, {
    env: { MILLRACE_URL: url },
    width: Number.POSITIVE_INFINITY,
    print: (line) => {
      lines.out += `${line}\n`;
    },
    note: (line) => {
      lines.err += `${line}\n`;
    },
  });
  return { code, ...lines };
}

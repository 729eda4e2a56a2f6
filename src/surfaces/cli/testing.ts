import { runCli } from './run-cli.ts';

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process, against the control at `url`, or with this environment. */
export async function runCommand(
  url: string | Readonly<Record<string, string>>,
  words: readonly string[],
): Promise<Ended> {
  const lines = { out: '', err: '' };
  const code = await runCli(words, {
    env: typeof url === 'string' ? { MILLRACE_URL: url } : url,
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

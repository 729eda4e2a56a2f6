import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const longestMs = 30 * 60_000;
/** Variables that programs of Python get from this process. */
const inherited =
  /^(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|VIRTUAL_ENV|LD_LIBRARY_PATH|(OMP|OPENBLAS|MKL|CUDA|HF|TORCH|PIP|MODEL)_\w+|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)$/;

/** onnxruntime and MLflow report what they do to their makers unless these are set. */
const noTelemetry = { ORT_DISABLE_TELEMETRY: '1', MLFLOW_DISABLE_TELEMETRY: 'true' };

/** The environment of programs of Python. */
export function pythonVariables(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => inherited.test(name));
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    PYTHONUNBUFFERED: '1',
    ...noTelemetry,
    ...more,
  };
}

/** Runs a program to its end and gives its lines, of both streams. Rejects when it cannot be started. */
export function runProgram(
  program: string,
  args: readonly string[],
  onLine: (line: string) => void = () => {},
): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: pythonVariables(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), longestMs);
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        onLine(line);
      });
    }
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, lines });
    });
  });
}

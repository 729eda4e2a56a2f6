/**
 * Runs the tests with everything they need: a throw-away Postgres, Chromium, the Python environment.
 * `node scripts/test.ts [path…]` runs only the test files under those paths.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ensureChromium } from '../test/support/chromium.ts';
import { startPostgres } from '../test/support/postgres.ts';

/** A file that hangs is ended, with what it has shown so far. */
const FILE_TIMEOUT_MS = 5 * 60_000;

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const wanted = process.argv.slice(2).map((path) => path.replace(/^\.\//, '').replace(/\/$/, ''));
const files = globSync(
  [
    'src/**/*.test.ts',
    'web/**/*.test.ts',
    'test/**/*.test.ts',
    'e2e/**/*.test.ts',
    'bench/**/*.test.ts',
    'examples/**/*.test.ts',
  ],
  {
    exclude: ['**/node_modules/**', 'web/dist/**'],
  },
)
  .filter(
    (file) => wanted.length === 0 || wanted.some((path) => file === path || file.startsWith(`${path}/`)),
  )
  .sort();
if (files.length === 0) {
  console.error(`No test files under ${wanted.join(', ')}.`);
  process.exit(1);
}

const python = fileURLToPath(new URL('../.venv/bin/python', import.meta.url));
const chromium = files.some((file) => file.startsWith('e2e/')) ? ensureChromium() : undefined;
let tests: ChildProcess | undefined;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stopped = true;
    tests?.kill(signal);
  });
}
const postgres = await startPostgres();
try {
  process.exitCode = stopped ? 1 : await runTests();
} finally {
  await postgres.stop();
}

/** The exit status of node's test runner. */
function runTests(): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--test',
      '--test-reporter=spec',
      `--test-concurrency=${Math.max(2, availableParallelism())}`,
      `--test-timeout=${FILE_TIMEOUT_MS}`,
      ...files,
    ],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        MILLRACE_TEST_POSTGRES_URL: postgres.url,
        ...(chromium === undefined ? {} : { CHROMIUM: chromium }),
        ...(existsSync(python) ? { MILLRACE_PYTHON: python } : {}),
      },
    },
  );
  tests = child;
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/**
 * Runs the tests with everything they need: a throw-away Postgres, Chromium and the web app as it is now, the Python
 * environment.
 * `node scripts/test.ts [path…]` runs only the test files under those paths.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { ensureChromium } from '../test/support/chromium.ts';
import { startPostgres } from '../test/support/postgres.ts';

/** A test that hangs has failed after so long; `endOfFile` ends its file. */
const TEST_TIMEOUT_MS = 15 * 60_000;
const endOfFile = new URL('../test/support/end-of-file.ts', import.meta.url).href;

/** The longest files, in their order, and where the next ones are. They begin first, so that none runs on alone. */
const longest = [
  'test/contract/transfer.test.ts',
  'test/crash/loop.test.ts',
  'src/lifecycle/serving/packaging/packaging.test.ts',
  'test/contract/artifacts.test.ts',
  'e2e/deployment-screens.test.ts',
  'test/contract/mlflow.test.ts',
  'src/platform/python-runtime/python-runtime.test.ts',
  'test/contract/rollout.test.ts',
  'src/loop/verdict/simulation.test.ts',
  'test/crash/',
  'test/contract/',
  'e2e/',
  'src/lifecycle/serving/',
  'src/platform/',
  'src/loop/',
];

/** How many files are named at the end as the slowest. */
const SLOWEST = 12;

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
  .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
if (files.length === 0) {
  console.error(`No test files under ${wanted.join(', ')}.`);
  process.exit(1);
}

const python = fileURLToPath(new URL('../.venv/bin/python', import.meta.url));
const inBrowser = files.some((file) => file.startsWith('e2e/'));
const chromium = inBrowser ? ensureChromium() : undefined;
if (inBrowser) execFileSync('sh', ['scripts/web.sh'], { stdio: 'inherit' });
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
// Where it is set, as in many containers, each Python that imports mlflow compiles all of it again: 5 s.
delete process.env.PYTHONDONTWRITEBYTECODE;
const postgres = await startPostgres();
try {
  Object.assign(process.env, {
    MILLRACE_TEST_POSTGRES_URL: postgres.url,
    // What one file has compiled no other compiles again; servers that tests start use the same folder.
    NODE_COMPILE_CACHE: join(root, '.cache/node'),
    ...(chromium === undefined ? {} : { CHROMIUM: chromium }),
    ...(existsSync(python) ? { MILLRACE_PYTHON: python } : {}),
  });
  process.exitCode = stop.signal.aborted || !(await runTests()) ? 1 : 0;
} finally {
  await postgres.stop();
}

interface TestEnd {
  readonly file?: string | undefined;
  readonly nesting: number;
  readonly details: { readonly duration_ms: number };
}

function rank(file: string): number {
  const i = longest.findIndex((path) => file.startsWith(path));
  return i < 0 ? longest.length : i;
}

/** @returns whether all of them passed */
async function runTests(): Promise<boolean> {
  const elapsedMs = new Map<string, number>();
  let isSuccess = false;
  const events = run({
    files: files.map((file) => join(root, file)),
    // One more than there are processors: files wait for processes, disks and clocks for much of their time.
    concurrency: availableParallelism() + 1,
    timeout: TEST_TIMEOUT_MS,
    execArgv: ['--disable-warning=ExperimentalWarning', '--import', endOfFile],
    signal: stop.signal,
  });
  const count = ({ file, nesting, details }: TestEnd): void => {
    if (file !== undefined && nesting === 0) {
      elapsedMs.set(file, (elapsedMs.get(file) ?? 0) + details.duration_ms);
    }
  };
  events.on('test:pass', count);
  events.on('test:fail', count);
  events.on('test:summary', ({ file, success }) => {
    if (file === undefined) isSuccess = success;
  });
  await pipeline(events, new spec(), process.stdout, { end: false });
  const slowest = [...elapsedMs].sort(([, a], [, b]) => b - a).slice(0, SLOWEST);
  if (files.length > SLOWEST) {
    console.log('\nslowest files, in seconds:');
    for (const [file, ms] of slowest)
      console.log(`${(ms / 1000).toFixed(1).padStart(8)}  ${relative(root, file)}`);
  }
  return isSuccess;
}

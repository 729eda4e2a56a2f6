/** Loaded before each test file: a file whose tests are done, and that yet does not end, is ended and has failed. */
import { after } from 'node:test';

const PATIENCE_MS = 30_000;

function endLater(): void {
  const end = (): never => {
    const open = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'PipeWrap');
    console.error(`${process.argv[1]} does not end; still open: ${open.join(', ') || 'a timer'}`);
    process.exit(1);
  };
  setTimeout(end, PATIENCE_MS).unref();
}

// What a test forks is started with the same options, and is no test.
if (process.argv[1]?.endsWith('.test.ts')) after(endLater);

/** Loaded before each test file: a file whose tests are done, and that yet does not end, is ended and has failed. */
import { after } from 'node:test';

const PATIENCE_MS = 30_000;

after(() => {
  const end = (): never => {
    const open = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'PipeWrap');
    console.error(`${process.argv[1]} does not end; still open: ${open.join(', ') || 'a timer'}`);
    process.exit(1);
  };
  setTimeout(end, PATIENCE_MS).unref();
});

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Writes a generated page of docs/. With `--check` on the command line it only compares, and the process ends with 1
 * where the page is another.
 *
 * @param name file name below docs/
 * @param source what the page is made of, for the message
 */
export function writeOrCheckPage(name: string, source: string, text: string): void {
  const path = fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`docs/${name} does not match ${source}: run "make docs" and commit the page.`);
    process.exitCode = 1;
  }
}

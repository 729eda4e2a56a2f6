import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ErrorEntry, errorCatalogue } from '../src/core/errors.ts';

/** The page docs/errors.md: every code of the catalogue with its HTTP status, message and next step. */
export function errorsPage(): string {
  const entries: [string, ErrorEntry][] = Object.entries(errorCatalogue);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = entries.map(([code, entry]) =>
    [
      `## ${code}`,
      '',
      `**${entry.title}** · HTTP ${entry.status}`,
      '',
      `> ${entry.message}`,
      '',
      entry.next,
    ].join('\n'),
  );
  return [
    '# Errors',
    '',
    'Every error names what is wrong and the next step. Over HTTP it is a problem body (RFC 9457) with the code;',
    'words in braces are filled in. This page is generated from `src/core/errors/` by `make docs`.',
    '',
    sections.join('\n\n'),
    '',
  ].join('\n');
}

if (import.meta.main) {
  const path = fileURLToPath(new URL('../docs/errors.md', import.meta.url));
  const page = errorsPage();
  if (!process.argv.includes('--check')) {
    writeFileSync(path, page);
  } else if (readFileSync(path, 'utf8') !== page) {
    console.error('docs/errors.md does not match src/core/errors: run "make docs" and commit the page.');
    process.exitCode = 1;
  }
}

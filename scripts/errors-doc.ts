import { type ErrorEntry, errorCatalogue } from '../src/core/errors.ts';
import { writeOrCheckPage } from './generated-page.ts';

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

if (import.meta.main) writeOrCheckPage('errors.md', 'src/core/errors', errorsPage());

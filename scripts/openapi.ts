/**
 * Writes docs/openapi.json from the contracts. `--check` writes nothing and fails when the file is not what the
 * contracts say.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ControlServices } from '../src/compose/control-services.ts';
import { restRoutes } from '../src/compose/routes.ts';
import { openApi } from '../src/platform/http/openapi.ts';

const file = fileURLToPath(new URL('../docs/openapi.json', import.meta.url));
const packageFile = new URL('../package.json', import.meta.url);

/** Describing routes calls no service, so any will do. */
const anything: unknown = new Proxy(() => anything, {
  get: (_, key) => (key === Symbol.iterator ? [][Symbol.iterator].bind([]) : anything),
});

const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
const text = `${JSON.stringify(openApi(restRoutes(anything as ControlServices), version), null, 2)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
  console.log('docs/openapi.json is written.');
} else if (safeRead() !== text) {
  console.error('docs/openapi.json differs from the contracts. Run "make docs" and commit the result.');
  process.exitCode = 1;
}

function safeRead(): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Writes docs/openapi.json from the contracts. `--check` writes nothing and fails when the file is not what the
 * contracts say.
 */
import { readFileSync } from 'node:fs';
import type { ControlServices } from '../src/compose/control-services.ts';
import { restRoutes } from '../src/compose/routes.ts';
import { openApi } from '../src/platform/http/openapi.ts';
import { writeOrCheckPage } from './generated-page.ts';

const packageFile = new URL('../package.json', import.meta.url);

/** Describing routes calls no service, so any will do. */
const anything: unknown = new Proxy(() => anything, {
  get: (_, key) => (key === Symbol.iterator ? [][Symbol.iterator].bind([]) : anything),
});

const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
const text = `${JSON.stringify(openApi(restRoutes(anything as ControlServices), version), null, 2)}\n`;

writeOrCheckPage('openapi.json', 'the contracts', text);

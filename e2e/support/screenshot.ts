import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { THEMES, type Theme } from './browser.ts';

const directory =
  process.env.MILLRACE_SCREENSHOTS ?? fileURLToPath(new URL('../../.cache/screenshots', import.meta.url));

/** Saves what the page shows as `<name>-<theme>.png` and returns the path. */
export async function screenshot(page: Page, name: string, theme: Theme, fullPage = false): Promise<string> {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${name}-${theme}.png`);
  await page.screenshot({ path, fullPage, animations: 'disabled' });
  return path;
}

/** Saves the page in the light and the dark theme, switching as the system's preference would. */
export async function screenshotThemes(page: Page, name: string, fullPage = false): Promise<string[]> {
  const paths: string[] = [];
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
    paths.push(await screenshot(page, name, theme, fullPage));
  }
  return paths;
}

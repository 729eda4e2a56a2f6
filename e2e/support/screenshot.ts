import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { THEMES, type Theme } from './browser.ts';

/** Where pictures of the screens go, for people who look at them; without it none is taken. */
const directory = process.env.MILLRACE_SCREENSHOTS;

/** Saves what the page shows as `<name>-<theme>.png` when `MILLRACE_SCREENSHOTS` names a directory. */
export async function screenshot(page: Page, name: string, theme: Theme, fullPage = false): Promise<void> {
  if (!directory) return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}-${theme}.png`), fullPage, animations: 'disabled' });
}

/** Shows the page in the light and the dark theme, switching as the system's preference would, and saves both. */
export async function screenshotThemes(page: Page, name: string, fullPage = false): Promise<void> {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
    await screenshot(page, name, theme, fullPage);
  }
}

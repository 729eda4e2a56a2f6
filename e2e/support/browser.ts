import type { Browser, BrowserContext, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { ensureChromium } from '../../test/support/chromium.ts';
import type { Cleanup } from '../../test/support/server.ts';

export type Theme = 'light' | 'dark';
export const THEMES: readonly Theme[] = ['light', 'dark'];

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts headless Chromium and closes it after the test. */
export async function openBrowser(t: Cleanup): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: ensureChromium(), args: ARGUMENTS });
  t.after(() => browser.close());
  return browser;
}

/** How long a page may take to show something. An upper bound only: where all goes well nothing waits for it. */
const PATIENCE_MS = 60_000;

export interface PageOptions {
  readonly baseUrl: string;
  readonly theme?: Theme;
  readonly width?: number;
  readonly height?: number;
}

/** A page, and everything that went wrong on it. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Console errors, uncaught exceptions, violations of the content security policy, requests to other hosts. */
  readonly problems: readonly string[];
}

/** Opens a page of its own profile that follows the theme, without motion, and notes what goes wrong on it. */
export async function openPage(browser: Browser, options: PageOptions): Promise<WatchedPage> {
  const context = await browser.newContext({
    baseURL: options.baseUrl,
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    colorScheme: options.theme ?? 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const problems: string[] = [];
  const home = new URL(options.baseUrl).host;
  await page.exposeFunction('noteViolation', (text: string) => problems.push(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const note = (window as unknown as { noteViolation(text: string): void }).noteViolation;
      note(`security policy: ${event.violatedDirective} refused ${event.blockedURI || 'inline'}`);
    });
  });
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.stack ?? error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.host !== home) problems.push(`request to ${url.host}`);
  });
  return { page, context, problems };
}

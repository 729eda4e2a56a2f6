export { startServer, type TestServer } from '../../test/support/server.ts';
export { accessibilityProblems } from './axe.ts';
export { openBrowser, openPage, type PageOptions, THEMES, type Theme, type WatchedPage } from './browser.ts';
export { screenshot, screenshotThemes } from './screenshot.ts';

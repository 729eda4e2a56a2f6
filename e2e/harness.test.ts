import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { accessibilityProblems, openBrowser, openPage } from './support/index.ts';

const pages: Record<string, string> = {
  '/good':
    '<!doctype html><html lang="en"><title>Good</title><link rel="icon" href="/icon"><main><h1>Good</h1></main></html>',
  '/bad': `<!doctype html><html><title>Bad</title><link rel="icon" href="/icon">
    <main><h1>Bad</h1><img src="http://elsewhere.invalid/x.png"><button></button></main>
    <script>document.title = 'inline'</script><script src="/throws.js"></script></html>`,
  '/throws.js': 'console.error("said so"); throw new Error("thrown");',
  '/icon': '',
};

test('the harness sees what is wrong with a page, and nothing on a good one', async (t) => {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    response.setHeader('content-security-policy', "default-src 'self'");
    response.setHeader('content-type', path.endsWith('.js') ? 'text/javascript' : 'text/html');
    response.end(pages[path]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const baseUrl = `http://127.0.0.1:${address.port}`;
  const browser = await openBrowser(t);

  const good = await openPage(browser, { baseUrl });
  await good.page.goto('/good');
  assert.deepEqual(await accessibilityProblems(good.page), []);
  assert.deepEqual(good.problems, []);

  const bad = await openPage(browser, { baseUrl, theme: 'dark' });
  await bad.page.goto('/bad');
  const problems = bad.problems.join('\n');
  for (const expected of [
    /request to elsewhere\.invalid/,
    /security policy: script-src-elem refused inline/,
    /security policy: img-src refused http:\/\/elsewhere\.invalid/,
    /console: said so/,
    /exception: Error: thrown/,
  ]) {
    assert.match(problems, expected);
  }
  const accessibility = (await accessibilityProblems(bad.page)).join('\n');
  assert.match(accessibility, /html-has-lang/);
  assert.match(accessibility, /button-name/);
  assert.match(accessibility, /image-alt/);
});

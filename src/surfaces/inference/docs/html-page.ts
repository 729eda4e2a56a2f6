import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installationDirectory } from '../../../core/installation.ts';
import type { HttpAnswer } from '../http/answer.ts';

const directory = join(installationDirectory, 'src/surfaces/inference/docs');

/**
 * A page that loads nothing from anywhere: style and script stand in it, and its policy forbids everything else.
 *
 * @param data given to the script; null for a page without
 * @param options whether forms may be sent to this server
 */
export function htmlPage(
  title: string,
  main: string,
  data: object | null,
  {
    status = 200,
    formAction = 'none',
  }: { readonly status?: number; readonly formAction?: 'none' | 'self' } = {},
): HttpAnswer {
  const nonce = crypto.randomUUID();
  const read = (file: string) => readFileSync(join(directory, file), 'utf8');
  const script =
    data === null
      ? ''
      : `<script type="application/json" id="page">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>
<script type="module" nonce="${nonce}">${read('try-it.js')}</script>`;
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    `form-action '${formAction}'`,
    "frame-ancestors 'none'",
  ].join('; ');
  return {
    status,
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${read('try-it.css')}</style>
</head>
<body>${main}
${script}
</body>
</html>
`,
    contentType: 'text/html; charset=utf-8',
    headers: {
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    },
  };
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text as it may stand in HTML, between tags and in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => entities[char] as string);
}

/** Text of somebody else in HTML, kept to itself: where it turns the direction of writing, only it is turned. */
export function foreign(text: string): string {
  return `<bdi>${escapeHtml(text)}</bdi>`;
}

import { fail, MillraceError } from '../../../core/errors.ts';
import type { Plane } from '../../../lifecycle/serving/index.ts';
import type { Admission } from '../admission.ts';
import type { HttpAnswer } from '../http/answer.ts';
import { escapeHtml, htmlPage } from './html-page.ts';
import { tryItPage } from './try-it-page.ts';

/**
 * What a browser gets that shows no key, or one that opens something else: a form that asks for one, and nothing of
 * the model. Null for other errors.
 */
export function keyPageOf(endpoint: string, error: unknown): HttpAnswer | null {
  if (!(error instanceof MillraceError) || (error.status !== 401 && error.status !== 403)) return null;
  const problem = error.code === 'key_missing' ? '' : `<p role="alert">${escapeHtml(error.message)}</p>`;
  const main = `<header><h1>${escapeHtml(endpoint)}</h1></header>
<main><form method="post" class="key">
<p>This endpoint asks for a key. Its page is shown, and its calls are made, with yours.</p>${problem}
<div class="bar"><label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="off" required autofocus>
<button class="primary">Open</button></div>
</form></main>`;
  return htmlPage(`${endpoint} · Key`, main, null, { status: error.status, formAction: 'self' });
}

/** The page of an endpoint for who sent the form with a key; the form again for one that does not open it. */
export function answerKeyForm(
  endpoint: string,
  version: string | null,
  body: Buffer,
  plane: Plane,
  admission: Admission | undefined,
): HttpAnswer {
  const key = (new URLSearchParams(body.toString('utf8')).get('key') ?? '').trim();
  try {
    void admission?.enter(endpoint, 'inspect', { 'x-api-key': key });
  } catch (error) {
    const form = keyPageOf(endpoint, error);
    if (form) return form;
    throw error;
  }
  const state = plane.endpoint(endpoint);
  const arm = plane.arm(endpoint, version);
  if (!arm) throw fail('endpoint_empty', { endpoint });
  return tryItPage(state, arm, version, key);
}

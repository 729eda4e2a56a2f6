/**
 * Puts text into the clipboard. Browsers give `navigator.clipboard` to safe origins only; on a plain address of a local
 * network the text is copied from a field that nobody sees. Rejects where neither is allowed.
 */
export async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'sr-only';
  // A dialog makes everything outside of it inert.
  const open = [...document.querySelectorAll('dialog[open]')].at(-1);
  (open ?? document.body).append(field);
  const focused = document.activeElement;
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!done) throw new Error('The browser does not let this page copy.');
}

/**
 * Where the links lead that an MLflow client prints at the end of a run: its own UI keeps the page behind a `#`.
 * Null for any other hash.
 */
export function pathOfMlflowLink(hash: string): string | null {
  const path = hash.replace(/^#/, '');
  const run = /^\/experiments\/[^/]+\/runs\/([^/?]+)/.exec(path);
  if (run) return `/runs/${run[1]}`;
  const version = /^\/models\/([^/]+)\/versions\/(\d+)/.exec(path);
  if (version) return `/models/${version[1]}/versions/${version[2]}`;
  if (/^\/models(\/|$)/.test(path)) return '/models';
  return /^\/experiments(\/|$)/.test(path) ? '/runs' : null;
}

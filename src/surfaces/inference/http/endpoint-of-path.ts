import type { KeyAction } from '../../../lifecycle/serving/index.ts';

/** Which endpoint a path is about, and what is done with it. */
interface PathTarget {
  /** Null: the only one there is, as with /invocations. */
  readonly endpoint: string | null;
  readonly action: KeyAction;
  /** It is the page to try an endpoint: a browser that shows no key is asked for one. */
  readonly page?: true;
}

const modelPath = /^\/(?:v[12]\/models|endpoints)\/([^/:]+)([/:].*)?$/;
const changePath = /^\/v2\/repository\/models\/([^/]+)\/(?:load|unload)\/?$/;
const pagePath = /\/docs\/?$/;
const predicting = /(?:\/infer|\/invocations|:predict|\/generate|\/generate_stream|\/infer_stream)\/?$/;
const mostKept = 1000;

/** Reads targets out of paths; those that were seen lately are only looked up. */
export class PathTargets {
  readonly #seen = new Map<string, PathTarget | null>();

  /** Null for a path that is about no endpoint. */
  of(path: string): PathTarget | null {
    const seen = this.#seen.get(path);
    if (seen !== undefined) return seen;
    const target = targetOf(path);
    if (this.#seen.size >= mostKept) this.#seen.clear();
    this.#seen.set(path, target);
    return target;
  }
}

function targetOf(path: string): PathTarget | null {
  if (/^\/invocations\/?$/.test(path)) return { endpoint: null, action: 'predict' };
  const change = changePath.exec(path);
  const match = change ?? modelPath.exec(path);
  if (!match) return null;
  try {
    const endpoint = decodeURIComponent(match[1] ?? '');
    if (change) return { endpoint, action: 'manage' };
    if (pagePath.test(path)) return { endpoint, action: 'inspect', page: true };
    return { endpoint, action: predicting.test(path) ? 'predict' : 'inspect' };
  } catch {
    return null;
  }
}

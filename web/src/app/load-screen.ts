import { lazyRouteComponent } from '@tanstack/react-router';
import { pathPrefix } from '../api/prefix.ts';
import { asProblem, ProblemError } from '../api/problem.ts';

/** Whether anything answers where the server was; a proxy that cannot reach it answers, but not well. */
export async function isServerThere(): Promise<boolean> {
  try {
    return (await fetch(`${pathPrefix}/healthz`, { cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

/**
 * A screen whose script is loaded when it is first shown. When that fails because the server is away, the frame stays
 * and says so; the router would load the whole page anew, and there is none. A script that is gone because the server
 * has a newer build is still answered by loading the page.
 */
export function lazyScreen<Screens extends Record<string, unknown>, Name extends keyof Screens & string>(
  load: () => Promise<Screens>,
  name: Name,
) {
  return lazyRouteComponent(async () => {
    try {
      return await load();
    } catch (error) {
      if (await isServerThere()) throw error;
      throw new ProblemError(asProblem(new TypeError('the server is away', { cause: error })));
    }
  }, name);
}

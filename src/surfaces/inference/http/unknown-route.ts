import { fail, type MillraceError } from '../../../core/errors.ts';

/** Addresses that take one of both methods alone. */
const posted =
  /^\/(?:v2\/models\/[^/]+(?:\/versions\/[^/]+)?\/(?:infer|generate|generate_stream|infer_stream)|v2\/repository\/(?:index|models\/[^/]+\/(?:load|unload))|(?:endpoints\/[^/]+\/)?invocations|v1\/models\/[^/:]+:predict)\/?$/;
const gotten =
  /^\/(?:api\/2\.0\/endpoints(?:\/[^/]+)?|v2|v2\/health\/(?:live|ready)|healthz|readyz|ping|health|version|metrics|v2\/docs(?:\/dataplane\.json)?|v1\/models(?:\/[^/:]+)?|v2\/models(?:\/stats)?|v2\/models\/[^/]+(?:\/versions\/[^/]+)?(?:\/(?:ready|config|stats|docs\/dataplane\.json))?)\/?$/;

/** Methods that an address takes, as the header Allow has them; all there are for an address that is not known. */
export function allowedMethods(path: string): string {
  if (posted.test(path)) return 'POST, OPTIONS';
  return gotten.test(path) ? 'GET, HEAD, OPTIONS' : 'GET, HEAD, POST, OPTIONS';
}

/** The error of a path that the method finds nothing at: `method_not_allowed` where the other one does. */
export function unknownRoute(method: 'GET' | 'POST', path: string): MillraceError {
  const other = method === 'GET' ? posted : gotten;
  if (!other.test(path)) return fail('route_not_found', { method, path });
  return fail('method_not_allowed', { method, path, allowed: allowedMethods(path) });
}

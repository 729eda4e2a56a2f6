import { SLICE_EDGES } from './rules.ts';

/** Where a file lives, as far as the import rules distinguish. `outside` is everything that is not the product. */
export type Place =
  | { readonly kind: 'core' | 'platform' | 'loop' | 'main' | 'web' | 'outside' }
  | { readonly kind: 'slice' | 'surface'; readonly name: string };

/** The place of a path from the repository's root; a folder that the plan does not know is `null`. */
export function placeOf(path: string): Place | null {
  const [root, area, name, ...rest] = path.split('/');
  if (root === 'web') return { kind: 'web' };
  if (root !== 'src') return { kind: 'outside' };
  if (area === 'core' || area === 'platform' || area === 'loop') return { kind: area };
  if (area === 'lifecycle' && name !== undefined && name in SLICE_EDGES && rest.length > 0) {
    return { kind: 'slice', name };
  }
  if (area === 'surfaces' && name !== undefined && rest.length > 0) return { kind: 'surface', name };
  // main.ts, and compose/ with the parts of each role that it loads.
  return name === undefined || area === 'compose' ? { kind: 'main' } : null;
}

export function describePlace(place: Place): string {
  return 'name' in place ? `${place.kind} ${place.name}` : place.kind;
}

export function isContract(path: string): boolean {
  return path.endsWith('/contract.ts') || path.includes('/contract/');
}

export function isFrontDoor(path: string): boolean {
  return /^src\/(lifecycle\/[^/]+|loop|surfaces\/[^/]+)\/index\.ts$/.test(path);
}

/** What a slice offers to the tests of others: its parts with their set-up. */
export function isTestDoor(path: string): boolean {
  return /^src\/(lifecycle\/[^/]+|loop)\/testing\.ts$/.test(path);
}

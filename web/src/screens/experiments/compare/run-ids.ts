/** Run ids in the address bar: readable while they are few, packed when they are many. Pure. */

const PLAIN_UP_TO = 24;
const PACKED = '~';

/** More runs than this are not compared at once. */
export const MOST_RUNS = 500;

/** Ids separated by commas; more than two dozen ids of 32 hexadecimal digits take 22 characters each instead of 33. */
export function packRunIds(ids: readonly string[]): string {
  const some = ids.slice(0, MOST_RUNS);
  if (some.length <= PLAIN_UP_TO || some.some((id) => !/^[0-9a-f]{32}$/.test(id))) return some.join(',');
  return PACKED + some.map(packOne).join('');
}

/** The ids of `packRunIds`; doubles and what is no id are dropped. */
export function unpackRunIds(text: string): readonly string[] {
  const ids = text.startsWith(PACKED)
    ? (text.slice(1).match(/.{22}/g) ?? []).map(unpackOne)
    : text.split(',').map((id) => id.trim());
  return [...new Set(ids.filter((id) => /^[\w-]{1,64}$/.test(id)))].slice(0, MOST_RUNS);
}

function packOne(id: string): string {
  const bytes = (id.match(/../g) ?? []).map((hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return btoa(bytes.join('')).slice(0, 22).replaceAll('+', '-').replaceAll('/', '_');
}

function unpackOne(text: string): string {
  try {
    const bytes = atob(`${text.replaceAll('-', '+').replaceAll('_', '/')}==`);
    return [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  } catch {
    return '';
  }
}

import type { Pattern, Range } from './syntax.ts';

/**
 * The pattern as Postgres' `~` takes it. It is written anew from what was understood, so that nothing in it
 * means something else there: classes are spelled out and every other character is escaped by its number.
 */
export function postgresPattern(pattern: Pattern): string {
  // The prefix says: an advanced expression, whatever the server's settings.
  return `***:${group(pattern)}`;
}

function group(pattern: Pattern): string {
  return `(?:${write(pattern)})`;
}

function write(pattern: Pattern): string {
  switch (pattern.kind) {
    case 'empty':
      return '(?:)';
    case 'start':
      return '\\A';
    case 'end':
      return '\\Z';
    case 'set':
      return writeSet(pattern.ranges, pattern.isNegated);
    case 'sequence':
      return pattern.parts.map((part) => (part.kind === 'choice' ? group(part) : write(part))).join('');
    case 'choice':
      return pattern.parts.map(write).join('|');
    case 'repeat': {
      const { part, min, max } = pattern;
      return `${group(part)}{${min},${max ?? ''}}`;
    }
  }
}

function writeSet(ranges: readonly Range[], isNegated: boolean): string {
  if (ranges.length === 0) return '.';
  const items = ranges.map(([from, to]) => (from === to ? char(from) : `${char(from)}-${char(to)}`));
  return `[${isNegated ? '^' : ''}${items.join('')}]`;
}

function char(point: number): string {
  const text = String.fromCodePoint(point);
  return /[A-Za-z0-9]/.test(text) ? text : `\\U${point.toString(16).padStart(8, '0')}`;
}

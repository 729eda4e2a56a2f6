/** What differs between runs. Pure. */
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { byName } from '../../../kit/by-name.ts';

export type KeyRow = {
  readonly kind: 'param' | 'tag';
  readonly key: string;
  /** By run, in the order of the comparison. */
  readonly values: readonly (string | undefined)[];
  readonly distinct: number;
  /** The value that most runs have (undefined: none), and whether more than half of them have it. */
  readonly usual: string | undefined;
  readonly hasUsual: boolean;
};

const OWN_TAG = /^(mlflow|millrace)\./;

/**
 * Every param and every tag of people's own with its values, those that differ most evenly first, then by name.
 *
 * @param all also rows in which every run has the same
 */
export function keyRows(runs: readonly Run[], all: boolean): readonly KeyRow[] {
  const rowsOf = (kind: KeyRow['kind']): readonly KeyRow[] => {
    const bag = kind === 'param' ? 'params' : 'tags';
    const keys = new Set(runs.flatMap((run) => Object.keys(run[bag])));
    return [...keys]
      .filter((key) => kind === 'param' || !OWN_TAG.test(key))
      .map((key) => {
        const values = runs.map((run) => run[bag][key]);
        const counts = new Map<string | undefined, number>();
        for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
        const [usual, count] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best));
        return { kind, key, values, distinct: counts.size, usual, hasUsual: count * 2 > runs.length };
      })
      .filter((row) => all || row.distinct > 1)
      .toSorted((a, b) => Number(b.distinct > 1) - Number(a.distinct > 1) || byName(a.key, b.key));
  };
  return [...rowsOf('param'), ...rowsOf('tag')];
}

/** Numbers of a param or metric over runs, or the categories that its texts form. Identity is the whole text. */
export type Axis =
  | {
      readonly kind: 'number';
      readonly values: readonly (number | null)[];
      readonly low: number;
      readonly high: number;
    }
  | { readonly kind: 'text'; readonly values: readonly (number | null)[]; readonly words: readonly string[] };

/** An axis of texts: numbers when all that is there reads as numbers. */
export function axisOf(texts: readonly (string | number | undefined)[]): Axis {
  const known = texts.filter((text) => text !== undefined && text !== '');
  const numbers = texts.map((text) =>
    text === undefined || text === '' || !Number.isFinite(Number(text)) ? null : Number(text),
  );
  const finite = numbers.filter((value) => value !== null);
  if (finite.length === known.length && finite.length > 0)
    return { kind: 'number', values: numbers, low: Math.min(...finite), high: Math.max(...finite) };
  const words = [...new Set(known.map(String))].toSorted(byName);
  const place = new Map(words.map((word, index) => [word, index]));
  return {
    kind: 'text',
    words,
    values: texts.map((text) => (text === undefined ? null : (place.get(String(text)) ?? null))),
  };
}

/** Where a value of an axis lies, from 0 to 1; a logarithm where `log` and all values are positive. */
export function placeOn(axis: Axis, value: number, log: boolean): number {
  if (axis.kind === 'text') return axis.words.length < 2 ? 0.5 : value / (axis.words.length - 1);
  if (axis.high === axis.low) return 0.5;
  if (log && axis.low > 0)
    return (Math.log(value) - Math.log(axis.low)) / (Math.log(axis.high) - Math.log(axis.low));
  return (value - axis.low) / (axis.high - axis.low);
}

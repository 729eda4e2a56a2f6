export type EntityType = 'metric' | 'parameter' | 'tag' | 'attribute' | 'dataset';

export type Comparator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'LIKE'
  | 'NOT LIKE'
  | 'ILIKE'
  | 'NOT ILIKE'
  | 'MATCHES'
  | 'NOT MATCHES'
  | 'IN'
  | 'NOT IN'
  | 'IS NULL'
  | 'IS NOT NULL';

/** What a metric's summary tells; `last` is what MLflow calls the metric's value. */
export const metricStats = ['last', 'first', 'min', 'max', 'mean', 'best', 'count'] as const;
export type MetricStat = (typeof metricStats)[number];

/** Something that can be compared and ordered by. */
export interface Operand {
  readonly entity: EntityType;
  readonly key: string;
  /** For metrics; `last` when left out. */
  readonly stat?: MetricStat;
  /**
   * Set when `key.stat` was written without quotes: a metric whose whole name this is comes first
   * (`wholeKeys` decides).
   */
  readonly wholeKey?: string;
}

/** One comparison. A thing without the operand (no such tag, no end time) fulfils `IS NULL` only. */
export interface Condition extends Operand {
  readonly kind: 'condition';
  readonly comparator: Comparator;
  /**
   * A number for metrics and numeric attributes, a list for IN, null for IS NULL, a boolean for tags and params
   * that say true or false; a number for a tag or param compares the number that its text is.
   */
  readonly value: string | number | boolean | readonly (string | number)[] | null;
}

/** A filter: comparisons joined by AND, OR and NOT. Each is true or false, never unknown. */
export type Expression =
  | Condition
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly part: Expression };

/** One key of an order. */
export interface OrderKey extends Operand {
  readonly descending: boolean;
}

/** Joins filters that must all hold; null when there is none. */
export function allOf(parts: readonly (Expression | null)[]): Expression | null {
  const given = parts.flatMap((part) => (part?.kind === 'and' ? part.parts : part ? [part] : []));
  if (given.length <= 1) return given[0] ?? null;
  return { kind: 'and', parts: given };
}

/** Every condition of a filter, however deep. */
export function conditionsOf(filter: Expression | null): readonly Condition[] {
  if (filter === null) return [];
  if (filter.kind === 'condition') return [filter];
  return filter.kind === 'not' ? conditionsOf(filter.part) : filter.parts.flatMap(conditionsOf);
}

/** The same filter with each condition replaced. */
export function mapConditions(
  filter: Expression | null,
  change: (condition: Condition) => Expression,
): Expression | null {
  if (filter === null) return null;
  const walk = (part: Expression): Expression => {
    if (part.kind === 'condition') return change(part);
    if (part.kind === 'not') return { kind: 'not', part: walk(part.part) };
    return { kind: part.kind, parts: part.parts.map(walk) };
  };
  return walk(filter);
}

/** The written-out names that may be whole keys instead of a key and a statistic. */
export function ambiguousKeys(operands: readonly Operand[]): readonly string[] {
  return operands.flatMap((operand) => (operand.wholeKey === undefined ? [] : [operand.wholeKey]));
}

/** Reads `key.stat` as a whole key where there is a metric with that name. */
export function wholeKeys<T extends Operand>(operand: T, existing: ReadonlySet<string>): T {
  const { wholeKey, stat: _stat, ...rest } = operand;
  return wholeKey !== undefined && existing.has(wholeKey) ? ({ ...rest, key: wholeKey } as T) : operand;
}

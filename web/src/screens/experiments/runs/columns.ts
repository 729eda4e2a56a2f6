/** Which columns a table of runs shows, as text for the address bar and as parts of a query. Pure. */
import { quoted } from '../../../api/tracking.ts';
import { byName } from '../../../kit/by-name.ts';

export const METRIC_PARTS = ['last', 'best', 'min', 'max', 'mean'] as const;
export type MetricPart = (typeof METRIC_PARTS)[number];

export const OWN_FIELDS = ['started', 'took', 'status', 'experiment', 'by', 'id'] as const;
export type OwnField = (typeof OWN_FIELDS)[number];

export type ColumnRef =
  | { readonly kind: 'own'; readonly key: OwnField }
  | { readonly kind: 'metric'; readonly key: string; readonly part: MetricPart }
  | { readonly kind: 'param' | 'tag'; readonly key: string };

/** More columns than this are not asked for at once: an address has its limits, and so has an eye. */
export const MOST_COLUMNS = 120;

/** `last(loss)`, `params.lr`, `tags.team`, `started`. */
export function columnText(column: ColumnRef): string {
  if (column.kind === 'own') return column.key;
  if (column.kind === 'metric') return `${column.part}(${column.key})`;
  return `${column.kind}s.${column.key}`;
}

/** Reads one column; null for what is none. */
export function parseColumn(text: string): ColumnRef | null {
  const own = OWN_FIELDS.find((field) => field === text);
  if (own) return { kind: 'own', key: own };
  const metric = /^(\w+)\((.+)\)$/.exec(text);
  const part = METRIC_PARTS.find((each) => each === metric?.[1]);
  if (part && metric?.[2]) return { kind: 'metric', key: metric[2], part };
  const other = /^(param|tag)s\.(.+)$/.exec(text);
  if (other?.[2]) return { kind: other[1] as 'param' | 'tag', key: other[2] };
  return null;
}

/** Columns of a list separated by commas; doubles and what is none are dropped. */
export function parseColumns(text: string): readonly ColumnRef[] {
  const found = new Map<string, ColumnRef>();
  for (const each of text.split(',')) {
    const column = parseColumn(each.trim());
    if (column) found.set(columnText(column), column);
  }
  return [...found.values()].slice(0, MOST_COLUMNS);
}

export const columnsText = (columns: readonly ColumnRef[]): string => columns.map(columnText).join(',');

/** What the server is asked for, so that a page holds what is shown and nothing else. */
export function fieldsOf(columns: readonly ColumnRef[], extra: readonly string[] = []): string {
  const fields = columns.flatMap((column) =>
    column.kind === 'own' ? [] : [`${column.kind}s.${quoted(column.key)}`],
  );
  return [...new Set(['name', ...fields, ...extra])].join(',');
}

/** How the server orders by a column; null where it cannot. */
export function orderKey(column: ColumnRef): string | null {
  if (column.kind === 'metric')
    return `metrics.${quoted(column.key)}${column.part === 'last' ? '' : `.${column.part}`}`;
  if (column.kind !== 'own') return `${column.kind}s.${quoted(column.key)}`;
  const own: Readonly<Record<OwnField, string | null>> = {
    started: 'start_time',
    took: 'duration',
    status: 'status',
    by: null,
    experiment: null,
    id: 'run_id',
  };
  return own[column.key];
}

const KNOWN = /(^|[^a-z])(auc|acc|accuracy|f1|rmse|mae|r2|loss|log_?loss|brier|score|perplexity|reward)/i;

/**
 * The columns of a table that nobody has arranged yet: up to `metrics` metrics that most of the latest runs have,
 * names of quality first, then params, then when and how long.
 */
export function suggestedColumns(
  keys: readonly { readonly kind: string; readonly key: string; readonly latestRuns: number }[],
  counts: { readonly metrics: number; readonly params: number },
): readonly ColumnRef[] {
  const ranked = (kind: string, limit: number, known: (key: string) => boolean): readonly string[] =>
    keys
      .filter((each) => each.kind === kind)
      .toSorted(
        (a, b) =>
          Number(known(b.key)) - Number(known(a.key)) || b.latestRuns - a.latestRuns || byName(a.key, b.key),
      )
      .slice(0, limit)
      .map((each) => each.key);
  return [
    ...ranked('metric', counts.metrics, (key) => KNOWN.test(key) && !key.startsWith('system/')).map(
      (key): ColumnRef => ({ kind: 'metric', key, part: 'last' }),
    ),
    ...ranked('param', counts.params, () => false).map((key): ColumnRef => ({ kind: 'param', key })),
    { kind: 'own', key: 'took' },
    { kind: 'own', key: 'started' },
  ];
}

/** A label query as people write it. Pure. */
import type { LabelQuery } from '../../../../../src/lifecycle/feedback/contract.ts';
import { refusalAt } from '../../../api/problem.ts';

export type QueryDraft = Readonly<
  Record<'name' | 'url' | 'sql' | 'watermarkColumn' | 'initialWatermark' | 'cron', string>
>;

export const EXAMPLE_SQL = `SELECT flight AS entity, departed AS at, late AS value, landed AS event_time
FROM flights WHERE landed >= :watermark`;

/** What the form begins with: nothing, or the query that is to be changed. */
export function draftOf(query: LabelQuery | null): QueryDraft {
  if (query === null)
    return { name: '', url: '', sql: '', watermarkColumn: '', initialWatermark: '', cron: '' };
  const { name, url, sql, watermarkColumn, watermark, cron } = query;
  return {
    name,
    // An address is shown without its password, so that one cannot be sent back as it is.
    url: url.includes('***') ? '' : url,
    sql,
    watermarkColumn,
    initialWatermark: watermark === null ? '' : String(watermark),
    cron: cron ?? '',
  };
}

export const namesWatermark = ({ sql }: Pick<QueryDraft, 'sql'>): boolean => sql.includes(':watermark');

/** The query that a draft declares. A watermark of digits alone is a number, as the column is that it is compared with. */
export function queryOf(draft: QueryDraft, endpoint: string) {
  const watermark = draft.initialWatermark.trim();
  const isNumber = /^-?\d{1,15}(\.\d+)?$/.test(watermark);
  return {
    endpoint,
    url: draft.url.trim(),
    sql: draft.sql.trim(),
    watermarkColumn: draft.watermarkColumn.trim() || 'event_time',
    initialWatermark:
      watermark === '' || !namesWatermark(draft) ? null : isNumber ? Number(watermark) : watermark,
    cron: draft.cron.trim() || null,
  };
}

/** What is wrong with the draft, by field, before anybody is asked. Empty fields are told by the button that waits. */
export function nameProblem(
  name: string,
  queries: readonly Pick<LabelQuery, 'name' | 'endpoint'>[],
): string | undefined {
  if (name === '') return undefined;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name))
    return 'Letters, digits, dots, dashes and underscores, at most 128; the first a letter or a digit.';
  const taken = queries.find((query) => query.name === name);
  return (
    taken && `There is a query of this name, for ${taken.endpoint}. Choose another name, or change that one.`
  );
}

const FIELDS: readonly (keyof QueryDraft)[] = ['url', 'sql', 'watermarkColumn', 'initialWatermark', 'cron'];

/** What the server refused, by the field that is at fault; empty when it named none of them. */
export const problemsByField = (error: unknown): Partial<Record<keyof QueryDraft, string>> =>
  refusalAt(error, FIELDS).at;

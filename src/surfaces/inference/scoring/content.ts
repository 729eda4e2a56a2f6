import { fail } from '../../../core/errors.ts';

export type ScoringContent = 'json' | 'csv' | 'parquet';

const types: ReadonlyMap<string, ScoringContent> = new Map([
  ['application/json', 'json'],
  ['text/csv', 'csv'],
  ['application/vnd.apache.parquet', 'parquet'],
]);

/**
 * What a scoring request holds by its content type, by MLflow's rules: JSON or CSV in UTF-8, or Parquet, and no other
 * parameter than the charset. Without a content type it is JSON. Throws `content_unsupported` (415).
 */
export function scoringContent(contentType: string | undefined): ScoringContent {
  if (contentType === undefined || contentType.trim() === '') return 'json';
  const [mime = '', ...pairs] = contentType.split(';').map((part) => part.trim());
  for (const pair of pairs.filter((p) => p !== '')) {
    const [key = '', value = ''] = pair.split('=');
    if (key.toLowerCase() !== 'charset') {
      throw unsupported(`content type parameter ${quoted(key)} is not known`, 'Leave it out.');
    }
    if (value.replaceAll('"', '').toLowerCase() !== 'utf-8') {
      throw unsupported(`charset ${quoted(value)} is not read here`, 'Send UTF-8.');
    }
  }
  const content = types.get(mime.toLowerCase());
  if (content) return content;
  throw unsupported(`content type ${quoted(mime)} is not read here`, 'Send application/json or text/csv.');
}

export function unsupported(problem: string, remedy: string) {
  return fail('content_unsupported', { problem, remedy });
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

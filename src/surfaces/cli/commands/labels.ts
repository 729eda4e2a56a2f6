import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { feedbackSummarySchema, postLabelsResponseSchema } from '../../../lifecycle/feedback/index.ts';
import { type Command, UsageError } from '../Command.ts';

const batch = 5000;
const lineSchema = z.strictObject({
  predictionId: z.string(),
  value: z.union([z.number(), z.boolean(), z.string()]),
  eventTime: z.string(),
});

/** `millrace labels`: sends what came true, or tells how much of it has come in. */
export const labels: Command = {
  name: 'labels',
  usage: '<endpoint> [file.jsonl | file.csv]',
  summary: 'send labels (predictionId, value, eventTime), or without a file count those that came in',
  options: {},
  words: [1, 2],
  async run({ client, output, words }) {
    const [endpoint = '', path] = words;
    if (path === undefined) {
      const summary = await client.call(`/api/v1/feedback-summaries/${encodeURIComponent(endpoint)}`, {
        schema: feedbackSummarySchema,
      });
      output.result(summary, () => {
        const { predictions, joined, waiting, orphans } = summary.total;
        output.table(
          ['predictions', 'labelled', 'waiting', 'orphans'],
          [[predictions, joined, waiting, orphans]],
        );
        if (summary.advice) output.line(summary.advice);
      });
      return;
    }
    const all = readLabels(await readFile(path, 'utf8'), path);
    let accepted = 0;
    for (let from = 0; from < all.length; from += batch) {
      const body = { endpoint, labels: all.slice(from, from + batch) };
      const answer = await client.call('/api/v1/labels', { body, schema: postLabelsResponseSchema });
      accepted += answer.accepted;
    }
    output.result({ accepted }, () => output.line(`${accepted} labels accepted`));
  },
};

function readLabels(text: string, path: string): readonly z.infer<typeof lineSchema>[] {
  const lines = text.split(/\r?\n/);
  const csv = path.toLowerCase().endsWith('.csv');
  const head = csv ? (lines[0] ?? '').split(',').map((name) => name.trim()) : [];
  return lines.flatMap((line, i) => {
    if (line.trim() === '' || (csv && i === 0)) return [];
    const parsed = lineSchema.safeParse(csv ? fromCsv(head, line) : fromJson(line));
    if (parsed.success) return [parsed.data];
    const { path: field, message } = parsed.error.issues[0] ?? { path: [], message: 'cannot be read' };
    throw new UsageError(`${path}:${i + 1}: ${field.join('.')}: ${message}`);
  });
}

function fromJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Plain CSV without quotes: ids, numbers and times have no commas. */
function fromCsv(head: readonly string[], line: string): unknown {
  const cells = line.split(',').map((cell) => cell.trim());
  const row = Object.fromEntries(head.map((name, i) => [name, cells[i]]));
  const value = row.value ?? '';
  const typed = value === 'true' || value === 'false' ? value === 'true' : Number(value);
  return { ...row, value: typeof typed === 'number' && Number.isNaN(typed) ? value : typed };
}

import { fail } from '../../../core/errors.ts';
import { formatTime, parseDuration, parseTime } from '../../../core/time.ts';
import type { CommandCall } from '../command.ts';
import { auditEntrySchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, more } from '../format/text.ts';
import { limitOf } from './limit-of.ts';

/** `millrace audit` with its filters */
export async function audit(call: CommandCall): Promise<undefined> {
  const time = (name: string): string | undefined => {
    const text = call.option(name);
    return text === undefined ? undefined : formatTime(momentMs(text, `--${name}`, call.nowMs));
  };
  const list = await call.api.list('audit-entries', auditEntrySchema, limitOf(call, 50), {
    actor: call.option('actor'),
    action: call.option('action'),
    subjectKind: call.option('kind'),
    subjectId: call.option('subject'),
    text: call.option('text'),
    from: time('from'),
    to: time('to'),
  });
  call.show(list, () =>
    list.items.length === 0
      ? 'No entry fits.'
      : table(
          [
            { head: 'when', value: (entry) => ago(entry.at, call.nowMs) },
            { head: 'who', value: (entry) => `${entry.actor.kind}:${entry.actor.id}` },
            { head: 'what', value: (entry) => entry.action },
            { head: 'to', value: (entry) => `${entry.subject.kind} ${entry.subject.id}` },
            { head: 'why', value: (entry) => entry.reason },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

/** A time as it is written, or a duration before now. Throws `invalid_moment`. */
function momentMs(text: string, field: string, nowMs: number): number {
  try {
    return /^\d{4}-/.test(text) ? parseTime(text, field) : nowMs - parseDuration(text, field);
  } catch (error) {
    throw fail('invalid_moment', { field, value: text }, error);
  }
}

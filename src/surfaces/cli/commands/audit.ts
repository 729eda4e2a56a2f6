import { z } from 'zod';
import { auditEntrySchema } from '../../../lifecycle/governance/index.ts';
import type { Command } from '../Command.ts';

/** `millrace audit`: who did what, when and why. */
export const audit: Command = {
  name: 'audit',
  usage: '[--actor ID] [--action ACTION] [--subject KIND/ID] [--from TIME] [--to TIME] [--limit N]',
  summary: 'who did what to what, when and why, newest first',
  options: {
    actor: 'string',
    action: 'string',
    subject: 'string',
    from: 'string',
    to: 'string',
    limit: 'string',
  },
  words: [0, 0],
  async run({ client, output, options }) {
    const query = new URLSearchParams();
    for (const name of ['actor', 'action', 'from', 'to', 'limit']) {
      const value = options[name];
      if (typeof value === 'string') query.set(name, value);
    }
    if (typeof options.subject === 'string') {
      const [kind = '', ...id] = options.subject.split('/');
      query.set('subjectKind', kind);
      if (id.length > 0) query.set('subjectId', id.join('/'));
    }
    const answer = await client.call(`/api/v1/audit-entries?${query}`, {
      schema: z.object({ items: z.array(auditEntrySchema) }),
    });
    output.result(answer, () =>
      output.table(
        ['at', 'who', 'action', 'subject', 'reason'],
        answer.items.map((entry) => [
          entry.at.slice(0, 19),
          `${entry.actor.kind}:${entry.actor.id}`,
          entry.action,
          `${entry.subject.kind}/${entry.subject.id}`,
          entry.reason,
        ]),
      ),
    );
  },
};

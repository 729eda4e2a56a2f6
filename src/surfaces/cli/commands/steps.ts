import type { CommandCall } from '../command.ts';
import { stepRunSchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, lasted, more } from '../format/text.ts';
import { limitOf } from './limit-of.ts';
import { turnName, turnNamed } from './turn-named.ts';

/** `millrace steps [turn]` */
export async function steps(call: CommandCall): Promise<undefined> {
  const subject = call.at(0) === '' ? undefined : turnName(await turnNamed(call.api, call.at(0)));
  const list = await call.api.list('step-runs', stepRunSchema, limitOf(call, 20), { subject });
  call.show(list, () =>
    list.items.length === 0
      ? 'No step has run yet.'
      : table(
          [
            { head: 'step', value: (step) => step.kind },
            { head: 'of', value: (step) => step.subject },
            { head: 'status', value: (step) => step.status },
            { head: 'where', value: (step) => step.place },
            { head: 'created', value: (step) => ago(step.createdAt, call.nowMs) },
            { head: 'took', value: (step) => lasted(step.startedAt, step.finishedAt, call.nowMs) },
            { head: 'step run', value: (step) => step.id },
            { head: 'error', value: (step) => step.error?.message ?? '' },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

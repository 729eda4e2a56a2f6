import type { CommandCall } from '../command.ts';
import { trashItemSchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, more } from '../format/text.ts';
import { limitOf } from './limit-of.ts';

/** `millrace trash` */
export async function trash(call: CommandCall): Promise<undefined> {
  const list = await call.api.list('trash', trashItemSchema, limitOf(call, 20));
  call.show(list, () =>
    list.items.length === 0
      ? 'Nothing is deleted.'
      : table(
          [
            { head: 'what', value: (item) => item.kind },
            { head: 'id', value: (item) => item.id },
            { head: 'name', value: (item) => item.name ?? '' },
            { head: 'experiment', value: (item) => item.experimentId },
            { head: 'deleted', value: (item) => ago(item.deletedAt, call.nowMs) },
            { head: 'by', value: (item) => item.deletedBy },
            { head: 'may go', value: (item) => item.purgeableAt ?? 'when asked' },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

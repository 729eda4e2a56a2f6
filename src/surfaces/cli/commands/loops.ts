import type { CommandCall } from '../command.ts';
import { type Loop, loopSchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { eventTime, more, none } from '../format/text.ts';
import { limitOf } from './limit-of.ts';

/** `millrace loops` */
export async function loops(call: CommandCall): Promise<undefined> {
  const list = await call.api.list('loops', loopSchema, limitOf(call, 20));
  call.show(list, () =>
    list.items.length === 0
      ? 'No loop is applied yet. Put one in force: millrace apply loop.yaml'
      : loopTable(list.items, call.width) + more(list.items.length, list.next),
  );
}

/** Loops in a table, a line each. */
export function loopTable(items: readonly Loop[], width: number): string {
  return table(
    [
      { head: 'loop', value: (loop) => loop.name },
      { head: 'state', value: (loop) => loop.state },
      { head: 'champion', value: (loop) => loop.championVersion ?? none, align: 'right' },
      {
        head: 'turn',
        value: ({ activeTurn: turn }) => (turn ? `${turn.number} ${turn.state}` : none),
      },
      { head: 'event time', value: (loop) => eventTime(loop.watermark) },
      { head: 'waits for', value: (loop) => loop.waitsFor },
    ],
    items,
    width,
  );
}

import { csvLine } from '../../../core/csv.ts';
import { fail } from '../../../core/errors.ts';
import { formatDuration } from '../../../core/time.ts';
import type { CommandCall } from '../command.ts';
import { experimentSchema, type Run, runSchema } from '../contract.ts';
import { type Column, table } from '../format/table.ts';
import { ago, more, none } from '../format/text.ts';
import { limitOf } from './limit-of.ts';
import { type RunColumn, runColumns } from './run-columns.ts';

const usualColumns = 'name, status, start_time, duration';
/** So many metrics are shown when no columns are asked for. */
const shownMetrics = 4;

/** `millrace runs [experiment] --filter ... --order ... --columns ...` */
export async function runs(call: CommandCall): Promise<undefined> {
  const wanted = call.option('columns');
  const columns = runColumns(wanted ?? usualColumns);
  const list = await call.api.list('runs', runSchema, limitOf(call, 50), {
    experimentId: await experimentId(call, call.at(0)),
    filter: call.option('filter'),
    orderBy: call.option('order'),
    fields: wanted ?? 'metrics',
    view: call.has('deleted') ? 'deleted' : undefined,
  });
  const all =
    wanted === undefined ? [...columns, ...runColumns(commonMetrics(list.items).join(', '))] : columns;
  if (call.has('csv') && !call.json) {
    call.print(csvLine(all.map((column) => column.head)));
    for (const run of list.items) call.print(csvLine(all.map((column) => String(column.value(run) ?? ''))));
    return;
  }
  call.show(list, () =>
    list.items.length === 0
      ? 'No run is like that.'
      : table(
          all.map((column) => shown(column, call.nowMs)),
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

/** The id of an experiment that is named by id or by name; undefined for no name. */
async function experimentId(call: CommandCall, word: string): Promise<string | undefined> {
  if (word === '' || /^\d+$/.test(word)) return word || undefined;
  const filter = `name = '${word.replaceAll("'", "''")}'`;
  const [found] = (await call.api.list('experiments', experimentSchema, 1, { filter })).items;
  if (found) return found.id;
  throw fail('experiment_name_unknown', { name: word });
}

function commonMetrics(items: readonly Run[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const key of items.flatMap((run) => Object.keys(run.metrics)))
    counts.set(key, (counts.get(key) ?? 0) + 1);
  const common = [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  return common.slice(0, shownMetrics).map(([key]) => `metrics.${/^\w+$/.test(key) ? key : `\`${key}\``}`);
}

function shown({ head, kind, value }: RunColumn, nowMs: number): Column<Run> {
  return {
    head,
    ...(kind === 'number' || kind === 'duration' ? { align: 'right' as const } : {}),
    value: (run) => {
      const raw = value(run);
      if (raw === null) return none;
      if (kind === 'time') return ago(String(raw), nowMs);
      if (kind === 'duration') return formatDuration(Number(raw) * 1000);
      return typeof raw === 'number' ? Number(raw.toPrecision(6)) : raw;
    },
  };
}

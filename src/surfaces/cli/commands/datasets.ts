import { fail } from '../../../core/errors.ts';
import type { CommandCall } from '../command.ts';
import { datasetSchema, datasetVersionSummarySchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, bytes, count, eventTime, more, none, short } from '../format/text.ts';
import { csvOptionsOf } from './csv-options.ts';
import { limitOf } from './limit-of.ts';
import { registerFile } from './register-file.ts';

/** `millrace datasets [dataset]` */
export async function datasets(call: CommandCall): Promise<undefined> {
  const dataset = call.at(0);
  const limit = limitOf(call, 50);
  if (dataset !== '') return versions(call, dataset, limit);
  const list = await call.api.list('datasets', datasetSchema, limit);
  call.show(list, () =>
    list.items.length === 0
      ? 'No dataset yet. Register one: millrace dataset register data.parquet --name <name>'
      : table(
          [
            { head: 'dataset', value: (item) => item.name },
            { head: 'versions', value: (item) => item.versions, align: 'right' },
            { head: 'rows', value: (item) => item.latest.rows.toLocaleString('en-US'), align: 'right' },
            { head: 'columns', value: (item) => item.latest.columns.length, align: 'right' },
            { head: 'registered', value: (item) => ago(item.latest.registeredAt, call.nowMs) },
            { head: 'from', value: (item) => item.latest.source },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

async function versions(call: CommandCall, dataset: string, limit: number): Promise<undefined> {
  const list = await call.api.list('dataset-versions', datasetVersionSummarySchema, limit, { dataset });
  if (list.items.length === 0)
    throw fail('not_found', { kind: 'dataset', id: dataset, list: '/api/v1/datasets' });
  call.show(
    list,
    () =>
      table(
        [
          { head: 'version', value: (item) => item.version, align: 'right' },
          { head: 'rows', value: (item) => item.rows.toLocaleString('en-US'), align: 'right' },
          { head: 'size', value: (item) => bytes(item.sizeBytes), align: 'right' },
          { head: 'from', value: (item) => eventTime(item.timeRange?.min ?? null) },
          { head: 'to', value: (item) => eventTime(item.timeRange?.max ?? null) },
          { head: 'digest', value: (item) => short(item.digest) },
          { head: 'registered', value: (item) => ago(item.registeredAt, call.nowMs) },
          { head: 'id', value: (item) => item.id, isWhole: true },
        ],
        list.items,
        call.width,
      ) + more(list.items.length, list.next),
  );
}

/** `millrace dataset register <file> --name …` */
export async function registerDataset(call: CommandCall): Promise<undefined> {
  const csv = csvOptionsOf(call);
  const roles = {
    time: call.option('time'),
    label: call.option('label'),
    entity: call.option('entity'),
    ...(Object.keys(csv).length > 0 ? { csv } : {}),
  };
  const name = call.needed('name');
  const answer = await registerFile(call.api, call.at(0), name, roles, call.has('upload'));
  call.show(answer, () => {
    const { created, version } = answer;
    const range = version.timeRange
      ? `, from ${eventTime(version.timeRange.min)} to ${eventTime(version.timeRange.max)}`
      : '';
    return [
      `Dataset ${version.dataset} version ${version.version} ${created ? 'is registered' : 'was registered before'}: ${count(version.rows, 'row')}, ${count(version.columns.length, 'column')}${range}.`,
      `id ${version.id}, ${version.digest}`,
      table(
        [
          { head: 'column', value: (column) => column.name },
          { head: 'type', value: (column) => column.type },
          { head: 'missing', value: (column) => column.missing.toLocaleString('en-US'), align: 'right' },
          { head: 'distinct', value: (column) => column.distinct.toLocaleString('en-US'), align: 'right' },
          {
            head: 'role',
            value: ({ name: column }) =>
              (['time', 'entity', 'label'] as const).find((role) => version[role] === column) ?? none,
          },
        ],
        version.profile,
        call.width,
      ),
    ].join('\n');
  });
}

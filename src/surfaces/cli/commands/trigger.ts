import { fail } from '../../../core/errors.ts';
import { type Api, part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import { datasetVersionSummarySchema, loopSchema } from '../contract.ts';
import { uuid } from './turn-named.ts';

/** `millrace trigger <loop> --reason [--param name=value] [--dataset …] [--run …]` */
export async function trigger(call: CommandCall): Promise<undefined> {
  const params = Object.fromEntries(call.all('param').map(readParam));
  const dataset = call.option('dataset');
  const run = call.option('run');
  const overrides = {
    ...(Object.keys(params).length > 0 ? { params } : {}),
    ...(dataset === undefined ? {} : { datasetVersion: await datasetVersionId(call.api, dataset) }),
    ...(run === undefined ? {} : { run }),
  };
  const body = { reason: call.needed('reason'), overrides };
  const loop = await call.api.post(`loops/${part(call.at(0))}/trigger`, body, loopSchema);
  call.show(loop, () => {
    const waitsFor = loop.waitingTriggers.at(-1)?.waitsFor ?? null;
    const when = waitsFor === null ? 'it starts at once' : `it waits: ${waitsFor}`;
    return `A turn of ${loop.name} is asked for; ${when}.`;
  });
}

/** `C=0.1` as a name and a number; `true` and `false` as switches; all else as text. */
export function readParam(text: string): readonly [string, string | number | boolean] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new UsageError(`--param ${text} is not of the form name=value`);
  }
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value);
  return [name, isNumber ? Number(value) : value];
}

const manyVersions = 10_000;

/** The id of `name` (its newest version), of `name@2`, or the id itself. Throws `not_found`. */
async function datasetVersionId(api: Api, text: string): Promise<string> {
  if (uuid.test(text)) return text;
  const [dataset = '', number] = text.split('@');
  const limit = number === undefined ? 1 : manyVersions;
  const { items } = await api.list('dataset-versions', datasetVersionSummarySchema, limit, { dataset });
  const found = items.find((version) => number === undefined || version.version === Number(number));
  if (found) return found.id;
  throw fail('not_found', {
    kind: 'dataset version',
    id: text,
    list: `/api/v1/dataset-versions?dataset=${dataset}`,
  });
}

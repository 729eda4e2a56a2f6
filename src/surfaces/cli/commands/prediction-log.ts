import { formatTime, parseTime } from '../../../core/time.ts';
import { part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import { endpointSchema, type Replay, replaySchema } from '../contract.ts';
import { download } from '../download.ts';
import { facts } from '../format/table.ts';
import { count } from '../format/text.ts';
import { makeServable } from './deploy.ts';

const pollMs = 400;
const filters = {
  from: 'from',
  to: 'to',
  arm: 'arm',
  version: 'modelVersion',
  status: 'status',
  entity: 'entity',
  outcome: 'outcome',
  feature: 'feature',
  value: 'value',
  'min-score': 'minScore',
  'max-score': 'maxScore',
} as const;

/** `millrace predictions export <endpoint> --out <file>`: what the log has, with labels, as Parquet. */
export async function exportPredictions(call: CommandCall): Promise<undefined> {
  const out = call.needed('out');
  const query = new URLSearchParams({ endpoint: call.at(0) });
  for (const [option, name] of Object.entries(filters)) {
    const value = call.option(option);
    if (value !== undefined) query.set(name, value);
  }
  const headers = await download(call, `/api/v1/prediction-exports?${query}`, out);
  const rows = Number(headers['millrace-rows']);
  call.show({ rows, out }, () => `${count(rows, 'prediction')} of ${call.at(0)}: ${out}`);
}

/** `millrace predictions replay <endpoint> --version <n> --from <time> --to <time>` */
export async function replay(call: CommandCall): Promise<number | undefined> {
  const version = Number(call.needed('version'));
  if (!Number.isInteger(version) || version < 1)
    throw new UsageError(`"${call.needed('version')}" is no version`);
  const timeOf = (name: string) => formatTime(parseTime(call.needed(name), `--${name}`));
  const body = { endpoint: call.at(0), from: timeOf('from'), to: timeOf('to'), version };
  const { model } = await call.api.get(`endpoints/${part(body.endpoint)}`, endpointSchema);
  await makeServable(call, model, version, 'for a replay of the log');
  let state = await call.api.post('replays', body, replaySchema);
  call.note(`replay ${state.id} reads the log; millrace predictions cancel ${state.id} stops it`);
  while (state.status === 'queued' || state.status === 'running') {
    await new Promise((done) => setTimeout(done, pollMs));
    const told = progressOf(state);
    state = await call.api.get(`replays/${part(state.id)}`, replaySchema);
    const now = progressOf(state);
    if (now !== null && now !== told) call.note(now);
  }
  const { result } = state;
  if (state.status !== 'succeeded' || !result) {
    call.show(state, () => `Replay ${state.id} ${state.status}: ${state.error?.message ?? 'it was stopped'}`);
    return 1;
  }
  call.show(state, () => facts(factsOf(state, result)));
  return undefined;
}

/** null until the log has been read. */
function progressOf({ progress, rows }: Replay): string | null {
  return rows === null ? null : `${progress.rows.toLocaleString('en-US')} of ${count(rows, 'row')}`;
}

function factsOf(state: Replay, result: NonNullable<Replay['result']>): [string, string | null][] {
  const number = (value: number | null) => (value === null ? 'unknown' : value.toPrecision(4));
  const { difference, logged, replayed } = result;
  const metric = (name: keyof typeof logged): string => `${number(logged[name])} → ${number(replayed[name])}`;
  return [
    [
      'replayed',
      `${count(result.rows, 'row')} by version ${state.modelVersion}, ${result.failedRows} failed`,
    ],
    ['compared', count(result.compared, 'row')],
    [
      'difference',
      difference &&
        `mean ${number(difference.mean)}, p95 ${number(difference.p95)}, most ${number(difference.max)}`,
    ],
    ['decided otherwise', count(result.changedDecisions, 'row')],
    ['labelled', count(result.labelled, 'row')],
    ['log loss', metric('logLoss')],
    ['AUC', metric('auc')],
    ['accuracy', metric('accuracy')],
  ];
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Turn, TurnSummary } from '../../../src/loop/contract.ts';
import type { Api } from './api.ts';
import { type Flights, januaryMs, replayToMs } from './flights.ts';
import { readScores } from './policies.ts';
import { loopName } from './replay.ts';

/** What the same flights would have been told under other policies, by models of the same script. */
export interface Baselines {
  readonly never: Float64Array;
  readonly monthly: Float64Array;
  readonly cumulative: Float64Array;
}

/**
 * Trains and scores the baselines in the background, at low priority, with what the first turn trained on.
 *
 * @returns a promise of a promise, so that the caller may wait for the start and later for the result
 */
export async function startBaselines(
  root: string,
  api: Api,
  flights: Flights,
  directory: string,
): Promise<{ readonly result: Promise<Baselines> }> {
  const { items } = await api.get<{ items: TurnSummary[] }>(`/api/v1/turns?loop=${loopName}`);
  const first = items.find((turn) => turn.number === 1);
  if (!first) throw new Error('the first turn is not among the turns of the loop');
  const turn = await api.get<Turn>(`/api/v1/turns/${first.id}`);
  const boundary = turn.transitions.find((step) => step.to === 'training')?.evidence.boundary;
  if (typeof boundary !== 'string')
    throw new Error('the first turn does not say where its training rows end');
  const data = await flights.write('all.parquet', januaryMs, replayToMs);
  const args = [
    join(root, 'examples/flights/baselines.py'),
    '--data',
    data,
    '--first-until',
    boundary,
    '--out',
    directory,
  ];
  const result = run(join(root, '.venv/bin/python'), args).then(async () => ({
    never: await readScores(join(directory, 'never.f64')),
    monthly: await readScores(join(directory, 'monthly.f64')),
    cumulative: await readScores(join(directory, 'cumulative.f64')),
  }));
  // Told when the result is asked for.
  result.catch(() => {});
  return { result };
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-4000)));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`baselines.py ended with ${code}:\n${errors}`);
}

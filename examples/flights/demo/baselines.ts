import { spawn } from 'node:child_process';
import { join } from 'node:path';
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
 * Trains and scores the baselines in the background, at low priority. The model that is never retrained is the
 * first champion itself, fetched with MLflow's own client.
 */
export async function startBaselines(
  root: string,
  api: Api,
  flights: Flights,
  directory: string,
  championVersion: number,
): Promise<{ readonly result: Promise<Baselines> }> {
  const data = await flights.write('all.parquet', januaryMs, replayToMs);
  const args = [
    join(root, 'examples/flights/baselines.py'),
    ...['--data', data, '--first', `models:/${loopName}/${championVersion}`, '--out', directory],
  ];
  const result = run(join(root, '.venv/bin/python'), args, api.url).then(async () => ({
    never: await readScores(join(directory, 'never.f64')),
    monthly: await readScores(join(directory, 'monthly.f64')),
    cumulative: await readScores(join(directory, 'cumulative.f64')),
  }));
  // Told when the result is asked for.
  result.catch(() => {});
  return { result };
}

async function run(program: string, args: readonly string[], trackingUrl: string): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, OMP_NUM_THREADS: '1', MLFLOW_TRACKING_URI: trackingUrl },
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-4000)));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`baselines.py ended with ${code}:\n${errors}`);
}

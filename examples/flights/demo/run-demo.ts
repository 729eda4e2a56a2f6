import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DatasetVersion } from '../../../src/lifecycle/data/contract.ts';
import type { Loop } from '../../../src/loop/contract.ts';
import { Api } from './api.ts';
import { startBaselines } from './baselines.ts';
import { FlightEndpoint } from './endpoint.ts';
import { Flights, flightsFile, januaryMs, replayFromMs, replayToMs } from './flights.ts';
import { incidents, KillOnce } from './incidents.ts';
import { Ledger } from './ledger.ts';
import { Narrator, tookText } from './narrator.ts';
import { loopName, Replay, waitUntilIdle, workText } from './replay.ts';
import { gatherReport, printReport } from './report.ts';
import { choosePorts, Server } from './server.ts';

interface DemoOptions {
  /** Every n-th flight. */
  readonly sample: number;
  /** Emptied at the start. */
  readonly directory: string;
  /** Stop the server at the end instead of leaving it up. */
  readonly exitAtEnd: boolean;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const loopFile = 'examples/flights/loop.yaml';
const pythonFile = '.venv/bin/python';

/** Runs the demo. Resolves with the exit status: 0 only if every claim was checked true. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const narrator = new Narrator();
  const { MILLRACE_PORT = '7600', MILLRACE_SERVE_PORT = '7601' } = process.env;
  const ports = await choosePorts([Number(MILLRACE_PORT), Number(MILLRACE_SERVE_PORT)]);
  const server = new Server(root, options.directory, ...ports);
  const stop = (): void => {
    narrator.still();
    narrator.say('stopping the server');
    void server.stop().then(() => process.exit(130));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const ok = await perform(options, server, narrator);
    if (options.exitAtEnd) {
      await server.stop();
      return ok ? 0 : 1;
    }
    narrator.say('the server stays up to look at; Ctrl-C stops it');
    await server.ended();
    return ok ? 0 : 1;
  } catch (error) {
    narrator.still();
    narrator.say(`the demo stopped: ${(error as Error).message}`);
    if (server.running) {
      narrator.say(
        `what happened until then is in ${options.directory}; the server's log is ${server.logPath}`,
      );
    }
    await server.stop();
    return 1;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

async function perform(options: DemoOptions, server: Server, narrator: Narrator): Promise<boolean> {
  const source = join(root, flightsFile);
  if (!existsSync(source)) throw new Error(`${flightsFile} is missing; run "make setup" first.`);
  if (!existsSync(join(root, pythonFile)))
    throw new Error(`${pythonFile} is missing; run "make python" first.`);
  await server.start();
  narrator.say(`server ready: ${server.url} (screens and API), ${server.serveUrl} (predictions)`);
  const api = new Api(server.url);

  const flights = await Flights.open(source, join(options.directory, 'flights'), options.sample);
  const total = await flights.count(replayFromMs, replayToMs);
  const which = options.sample === 1 ? 'every flight' : `every ${options.sample}th flight`;
  narrator.say(`${which} of 2001: ${total.toLocaleString('en-US')} to replay, from February to June`);

  const january = await flights.write('january.parquet', januaryMs, replayFromMs);
  const version = await registerDataset(api, 'flights', january);
  narrator.say(
    `January registered: dataset flights version ${version.version}, ${version.rows.toLocaleString('en-US')} rows`,
  );

  await api.post(`/api/v1/watermarks/${loopName}`, {
    mode: 'replay',
    to: new Date(replayFromMs).toISOString(),
  });
  await server.cli(['apply', loopFile]);
  narrator.say(`${loopFile} applied; the loop trains its first model with an unmodified train.py`);
  let loop = await waitUntilIdle(api, narrator, ({ pending: [work], waitsFor }: Loop) => {
    narrator.progress(0, work ? workText(work) : waitsFor);
  });
  if (loop.championVersion === null) {
    throw new Error(`January gave no champion: ${loop.lastTurn?.reason ?? loop.waitsFor}.`);
  }

  const derived = join(options.directory, 'flights');
  const baselines = await startBaselines(root, api, flights, derived, loop.championVersion);
  const ledger = new Ledger(total);
  const endpoint = new FlightEndpoint(server.serveUrl, loopName);
  const kill = new KillOnce(server, narrator);
  const replay = new Replay(
    {
      api,
      endpoint,
      flights,
      ledger,
      narrator,
      total,
      incidents: incidents(api, flights, narrator),
      midway: (nowMs, seen) => kill.maybe(nowMs, seen),
    },
    loop,
  );
  loop = await replay.run();
  await replay.reportRest();
  endpoint.close();
  narrator.still();
  narrator.say('replayed to the end of June; every outcome that will ever come is in. Checking…');

  const report = await gatherReport({
    api,
    ledger,
    sample: options.sample,
    baselines,
    retriedRequests: endpoint.counts.retried,
    requestMs: replay.requestMs,
    kill: await kill.result(),
    elapsedMs: () => narrator.elapsedMs,
  });
  flights.close();
  narrator.say(`done in ${tookText(narrator.elapsedMs)}`);
  return printReport(report, options.directory, api);
}

async function registerDataset(api: Api, dataset: string, path: string): Promise<DatasetVersion> {
  const { version } = await api.post<{ version: DatasetVersion }>('/api/v1/dataset-versions', {
    dataset,
    source: { path, format: 'parquet' },
    time: 'date',
    entity: 'flight_id',
    label: 'late',
  });
  return version;
}

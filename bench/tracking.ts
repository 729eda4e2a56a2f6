/**
 * Experiment tracking beside MLflow's own server and FastTrackML, on the same machine in the same run: what 20 clients
 * write in a second, how long searches, histories and charts take, the bytes of a point, and memory after all of it.
 * `BENCH_PEERS=FastTrackML` leaves MLflow out.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, median, mostResidentBytes, report, residentBytes } from './support/index.ts';
import {
  measureChart,
  measureHistory,
  measureInterval,
  measureSearch,
  type Search,
  searches,
} from './tracking/reads.ts';
import { seedHistory, seedRuns } from './tracking/seed.ts';
import { startFastTrackMl, startMillrace, startMlflow, type TrackingServer } from './tracking/servers.ts';
import { measureWrite, type WriteCall, writeCalls } from './tracking/writes.ts';

const RUNS = Number(process.env.BENCH_RUNS ?? 25_000);
const HISTORY_POINTS = 25_000;
const CHART_POINTS = Number(process.env.BENCH_POINTS ?? 1_000_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const READ_ROUNDS = 9;
const REST_MS = 5000;
const setting = { clients: 20, warmUpMs: 1000, durationMs: 1000 * Number(process.env.BENCH_SECONDS ?? 5) };
const MB = 1e6;

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const cleanup: (() => void | Promise<void>)[] = [() => rmSync(directory, { recursive: true, force: true })];
const t = { after: (fn: () => void | Promise<void>) => void cleanup.unshift(fn) };
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const millrace = await startMillrace(t, directory);
const peers = { FastTrackML: startFastTrackMl, MLflow: startMlflow };
const named = (process.env.BENCH_PEERS ?? Object.keys(peers).join(',')).split(',');
const servers: TrackingServer[] = [millrace];
for (const [name, start] of Object.entries(peers)) {
  if (named.includes(name)) servers.push(await start(t, directory));
}

/** What each server did, one after the other, so that none shares the machine with another's load. */
async function each(measure: (server: TrackingServer) => Promise<number>): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const server of servers) values[server.name] = await measure(server);
  return values;
}

function compare(
  name: string,
  unit: string,
  values: Record<string, number>,
  aims: Record<string, Figure['aim']>,
): void {
  const { Millrace: value = Number.NaN, ...floors } = values;
  for (const [peer, floor] of Object.entries(floors)) {
    const aim = aims[peer];
    report({ name, value, unit, floor: { name: peer, value: floor }, ...(aim ? { aim } : {}) });
  }
  if (aims.Millrace) report({ name, value, unit, aim: aims.Millrace });
}

try {
  for (const name of Object.keys(writeCalls) as WriteCall[]) {
    const values = await each(async (server) => {
      const rounds = [];
      for (let round = 0; round < ROUNDS; round++) {
        const { perSecond, failed } = await measureWrite(server, name, setting);
        if (failed > 0) console.log(`${server.name}, ${name}: ${failed} requests failed`);
        rounds.push(perSecond);
      }
      return median(rounds);
    });
    compare(`${name}, ${setting.clients} clients`, 'per second', values, {
      MLflow: { least: 20, of: 'ratio' },
      FastTrackML: { least: name === 'log-batch 500' ? 3 : 1, of: 'ratio' },
    });
  }

  const experiments = new Map<string, string>();
  for (const server of servers) experiments.set(server.name, await seedRuns(server, { count: RUNS }));
  for (const name of Object.keys(searches) as Search[]) {
    const values = await each((server) =>
      measureSearch(server, experiments.get(server.name) ?? '', name, READ_ROUNDS),
    );
    compare(`${name} of ${RUNS}`, 'ms', values, {
      MLflow: { most: 1 / 20, of: 'ratio' },
      Millrace: { most: 50, of: 'value' },
    });
  }

  const histories = await each(async (server) => {
    const runId = await seedHistory(server, HISTORY_POINTS);
    return measureHistory(server, runId, HISTORY_POINTS, READ_ROUNDS);
  });
  compare(`history of ${HISTORY_POINTS} points`, 'ms', histories, { MLflow: { most: 1 / 10, of: 'ratio' } });

  const sizeBytes = (): number => {
    const database = new DatabaseSync(millrace.database, { timeout: 30_000 });
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    return statSync(millrace.database).size;
  };
  const beforeBytes = sizeBytes();
  const longRun = await seedHistory(millrace, CHART_POINTS);
  report({
    name: 'bytes per point, SQLite',
    value: (sizeBytes() - beforeBytes) / CHART_POINTS,
    unit: 'bytes',
    aim: { most: 40, of: 'value' },
  });
  report({
    name: `chart of ${CHART_POINTS} points, extremes kept`,
    value: await measureChart(millrace, longRun, CHART_POINTS, READ_ROUNDS),
    unit: 'ms',
    aim: { most: 20, of: 'value' },
  });
  const intervals: Record<string, number> = {
    Millrace: await measureInterval(millrace, longRun, READ_ROUNDS),
  };
  for (const server of servers.filter(({ name }) => name === 'MLflow')) {
    const runId = await seedHistory(server, CHART_POINTS);
    intervals[server.name] = await measureInterval(server, runId, 3);
  }
  compare(`MLflow's chart call, ${CHART_POINTS} points`, 'ms', intervals, {});

  report({
    name: 'most memory that control ever held',
    value: mostResidentBytes(millrace.pid) / MB,
    unit: 'MB',
  });
  await sleep(REST_MS);
  report({
    name: `memory of control after all of this and ${REST_MS / 1000} s of rest`,
    value: residentBytes(millrace.pid) / MB,
    unit: 'MB',
    aim: { most: 150, of: 'value' },
  });
  const startsMs: number[] = [];
  for (let round = 0; round < 5; round++) startsMs.push(await millrace.restart());
  report({
    name: 'control, start to ready with this data',
    value: median(startsMs),
    unit: 'ms',
    aim: { most: 500, of: 'value' },
  });
} finally {
  for (const fn of cleanup) await fn();
}

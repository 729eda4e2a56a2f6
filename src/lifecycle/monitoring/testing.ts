import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createRng } from '../../core/rng.ts';
import type { Actor } from '../../platform/access/index.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import type { OpenDatabase } from '../../platform/db/testing.ts';
import { Frames, sqlLiteral } from '../../platform/frames/index.ts';
import { Jobs, jobsMigrations } from '../../platform/jobs/index.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { Outbound } from '../../platform/outbound/index.ts';
import { fernetBox, newFernetKey } from '../../platform/secrets/index.ts';
import { Watermarks, watermarksMigrations } from '../../platform/watermarks/index.ts';
import { DataService, dataMigrations } from '../data/index.ts';
import { EvaluationService, evaluationMigrations } from '../evaluation/index.ts';
import { FeedbackService, feedbackMigrations, type Label } from '../feedback/index.ts';
import { type LoggedRow, sendSegment } from '../feedback/testing.ts';
import { monitoringMigrations } from './migrations.ts';
import { MonitoringService } from './service.ts';

export const ada: Actor = { kind: 'user', id: 'ada' };
export const dayMs = 86_400_000;
/** A Thursday. */
export const startMs = Date.UTC(2001, 1, 1);

const migrations = [
  ...journalMigrations,
  ...jobsMigrations,
  ...watermarksMigrations,
  ...dataMigrations,
  ...evaluationMigrations,
  ...feedbackMigrations,
  ...monitoringMigrations,
];

/** Monitoring over real parts in a directory of its own, with endpoint `flights` in replay. */
export async function openMonitoring(t: TestContext, open: OpenDatabase) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-monitoring-'));
  // Registered before the database's own: what writes is closed before what is written to.
  const closing: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const close of closing) await close();
    await rm(directory, { recursive: true, force: true });
  });
  const db = await open(t, migrations);
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '300MB', threads: 1 });
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const journal = new Journal(db);
  const jobs = new Jobs(db);
  const watermarks = new Watermarks(db, journal);
  const data = new DataService({ db, journal, blobs, frames, temporaryDirectory: directory });
  const evaluation = new EvaluationService({ db, journal });
  const log = createLogger('test', 'silent');
  const labelDirectory = join(directory, 'labels');
  const endpointExists = async () => true;
  const secrets = fernetBox(newFernetKey(), 'key');
  const feedback = await FeedbackService.open({
    db,
    journal,
    blobs,
    frames,
    log,
    labelDirectory,
    secrets,
    endpointExists,
    readWaitMs: 600_000,
  });
  closing.push(
    () => feedback.close(),
    () => frames.close(),
  );
  const parts = { db, journal, jobs, watermarks, blobs, frames, data, evaluation, feedback, secrets };
  const outbound = new Outbound({ allowedSchemes: ['http'], allowPrivateAddresses: true });
  const service = new MonitoringService({ ...parts, outbound });
  return {
    ...parts,
    service,
    directory,
    send: (rows: readonly LoggedRow[]) => sendSegment(feedback, frames, blobs, directory, rows),
    label: (labels: readonly Label[]) =>
      feedback.postLabels(ada, { endpoint: 'flights', labels: [...labels] }),
    /** Moves event time and does what is due. */
    async advance(toMs: number) {
      await watermarks.configure(ada, 'flights', { mode: 'replay' });
      await watermarks.advance(ada, 'flights', toMs);
      return service.run(ada, 'flights');
    },
    /** Registers rows that a version was trained on: the law of `makeRows` without a shift. */
    async train(rows = 3000) {
      const path = join(directory, 'training.parquet');
      const values = makeRows(99, startMs - 30 * dayMs, rows, {}).map(
        ({ features }) =>
          `(${features?.distance}, ${sqlLiteral(String(features?.origin))}, ${features?.hour}::BIGINT)`,
      );
      await frames.query(
        `COPY (SELECT * FROM (VALUES ${values.join(', ')}) t(distance, origin, hour)) TO ${sqlLiteral(path)} (FORMAT parquet)`,
      );
      return (await data.register(ada, { dataset: 'training', source: { path } })).version;
    },
  };
}

export interface Shift {
  /** Added to every distance (whose standard deviation is 100). */
  readonly distance?: number;
  /** Share of flights from ORD; 0.3 without a shift. */
  readonly ordShare?: number;
  /** Share of rows without a distance. */
  readonly missing?: number;
  readonly arm?: LoggedRow['arm'];
  readonly modelVersion?: string;
}

/** A day of predictions from a known law: distance normal, origin of three, hour uniform, score logistic-normal. */
export function makeRows(seed: number, dayStartMs: number, count: number, shift: Shift): LoggedRow[] {
  const rng = createRng(seed);
  return Array.from({ length: count }, (_, i): LoggedRow => {
    const u = rng.next();
    const ord = shift.ordShare ?? 0.3;
    const origin = u < ord ? 'ORD' : u < ord + (1 - ord) / 2 ? 'ATL' : 'SFO';
    const distance = 500 + 100 * rng.normal() + (shift.distance ?? 0);
    const hour = rng.int(24);
    const score = 1 / (1 + Math.exp(-(rng.normal() - 1)));
    const missing = rng.next() < (shift.missing ?? 0);
    return {
      id: `${seed}-${i}`,
      eventTimeMs: dayStartMs + Math.floor((i * dayMs) / count),
      score,
      features: { distance: missing ? null : distance, origin, hour },
      ...(shift.arm === undefined ? {} : { arm: shift.arm }),
      ...(shift.modelVersion === undefined ? {} : { modelVersion: shift.modelVersion }),
    };
  });
}

/** Truths that come true as often as the scores say (`bias` 0), or more often. */
export function labelsOf(rows: readonly LoggedRow[], seed: number, bias = 0): Label[] {
  const rng = createRng(seed);
  return rows.map(({ id, score, eventTimeMs }) => ({
    predictionId: id,
    value: rng.next() < (score ?? 0) + bias ? 1 : 0,
    eventTime: eventTimeMs + 6 * 3_600_000,
  }));
}

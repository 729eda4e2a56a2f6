import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { uuidv7 } from '../../core/ids.ts';
import { systemActor } from '../../platform/access/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { buildReport } from './build-report.ts';
import { evaluateInputsSchema } from './contract.ts';
import { evaluationMigrations } from './migrations.ts';
import { EvaluationService } from './service.ts';

const one = { value: 0.1, low: 0.1, high: 0.2, n: 100 };
const report = buildReport(
  evaluateInputsSchema.parse({
    candidateDigest: `sha256:${'c'.repeat(64)}`,
    championDigest: null,
    datasetDigest: `sha256:${'d'.repeat(64)}`,
    holdout: { by: 'rows', fromRow: 0, toRow: 4 },
    labelColumn: 'late',
    positiveClass: '1',
    gates: [{ metric: 'auc', min: 0.9 }],
  }),
  {
    labels: Uint8Array.from([0, 0, 1, 1]),
    columns: {},
    segments: {},
    rows: 4,
    outsidePositiveRatio: null,
  },
  { scores: Float64Array.from([0.1, 0.4, 0.35, 0.8]), latency: { p50Ms: one, p99Ms: one } },
  null,
);

forEachDatabase((name, open) => {
  describe(`evaluations on ${name}`, () => {
    test('are recorded once, with event and audit entry, and listed by pages', async (t) => {
      const db = await open(t, [...journalMigrations, ...evaluationMigrations]);
      const journal = new Journal(db);
      const service = new EvaluationService({ db, journal });
      const ids = [1, 2, 3].map((second) => uuidv7(second * 1000));
      for (const stepRunId of [...ids, ids[0]!]) {
        const subject = `flight-delay/${ids.indexOf(stepRunId) % 2}`;
        await db.write((tx) => service.record(tx, systemActor, { stepRunId, subject, report }));
      }
      const { report: stored, ...summary } = await service.evaluation(systemActor, ids[1]!);
      assert.deepEqual(stored, report);
      assert.equal(summary.subject, 'flight-delay/1');
      assert.equal(summary.verdict, 'unsure');
      const page = await service.evaluations(systemActor, { limit: 2 });
      assert.deepEqual(
        page.map((evaluation) => evaluation.id),
        [ids[2], ids[1]],
      );
      assert.deepEqual(page[1], summary);
      const next = await service.evaluations(systemActor, { limit: 2, afterId: ids[1] });
      assert.deepEqual([next.length, next[0]?.id], [1, ids[0]]);
      const ofTurn = await service.evaluations(systemActor, { limit: 9, subject: 'flight-delay/0' });
      assert.equal(ofTurn.length, 2);
      const events = await journal.eventsAfter(0, 10);
      assert.deepEqual(
        events.map((event) => [event.type, event.data.verdict]),
        new Array(3).fill(['evaluation.recorded', 'unsure']),
      );
      const entries = await journal.auditEntries({ limit: 10 });
      assert.equal(entries.length, 3);
      assert.match(entries[0]!.reason, /^AUC 0\.75 .* may be above or below 0\.9 on 4 rows$/);
    });

    test('one that does not exist is not found', async (t) => {
      const db = await open(t, [...journalMigrations, ...evaluationMigrations]);
      const service = new EvaluationService({ db, journal: new Journal(db) });
      await assert.rejects(service.evaluation(systemActor, 'nope'), { code: 'not_found' });
    });
  });
});

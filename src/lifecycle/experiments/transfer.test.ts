import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import type { TransferExperiment, TransferRun } from './contract/transfer.ts';
import { openExperiments, refused, startedExperiment, tester } from './testing.ts';
import { PointsDigest, runFacts } from './transfer-digest.ts';

const experiment: TransferExperiment = {
  id: '7',
  name: 'elsewhere',
  lifecycleStage: 'deleted',
  createdAtMs: 11,
  updatedAtMs: 12,
  tags: [{ key: 'team', value: 'ops' }],
};

const run: TransferRun = {
  id: 'a1',
  experimentId: '7',
  name: '',
  userId: 'ada',
  status: 'FAILED',
  startTimeMs: 5,
  endTimeMs: null,
  lifecycleStage: 'deleted',
  artifactUri: null,
  params: [{ key: 'long', value: 'x'.repeat(7000) }],
  tags: [{ key: 't', value: '1' }],
  inputs: [],
  modelInputs: [],
  modelOutputs: [{ modelId: 'm-1', step: 2 }],
};

const points = { steps: [-3, 0, 1], timesMs: [7, 1, 2], values: [1.5, 0, 2], nans: [false, true, false] };
const series = { runId: 'a1', key: 'loss', steps: [1, -3, 0], timesMs: [2, 7, 1], values: [2, 1.5, null] };

function digestOfPoints(): PointsDigest {
  const digest = new PointsDigest();
  digest.add('loss', points);
  return digest;
}

forEachDatabase((name, open) => {
  describe(`transfer on ${name}`, () => {
    test('a run comes in whole, once, and is compared with what the source held', async (t) => {
      const { tracking, journal } = await openExperiments(t, open);
      const { transfer, runs, experiments, exports } = tracking;
      const { id } = await transfer.start(tester, 'somewhere');
      assert.equal((await transfer.start(tester, 'somewhere')).id, id, 'the same import goes on');
      for (let again = 0; again < 2; again++) {
        const placed = await transfer.placeExperiments(tester, id, [experiment]);
        assert.deepEqual(placed, [{ sourceId: '7', id: '7', name: 'elsewhere', outcome: 'same-id' }]);
      }
      const here = await experiments.get(tester, '7');
      assert.deepEqual([here.lifecycleStage, here.createdAtMs, here.updatedAtMs], ['deleted', 11, 12]);
      assert.deepEqual(here.tags, experiment.tags);

      for (let again = 0; again < 2; again++) {
        const [todo] = await transfer.runs(tester, id, [{ ...run, stamp: '1' }]);
        assert.deepEqual(todo, { id: 'a1', todo: 'copy', artifactUri: 'mlflow-artifacts:/7/a1/artifacts' });
        await transfer.metrics(tester, id, [series]);
      }
      const file = await transfer.putArtifact(
        tester,
        id,
        { kind: 'run', id: 'a1', path: 'a/b.txt' },
        Readable.from(['hello']),
      );
      const facts = runFacts(run, digestOfPoints(), [file]);
      await transfer.complete(tester, id, [{ kind: 'run', id: 'a1', source: facts }]);

      const check = await transfer.check(tester, id, '7');
      assert.deepEqual(check.differences, []);
      assert.deepEqual(check.source, check.target);
      assert.deepEqual([check.target.runs, check.target.points, check.target.files], [1, 3, 1]);
      const [back] = await exports.runs(tester, '7', 10, '');
      assert.deepEqual(back, { ...run, artifactUri: 'mlflow-artifacts:/7/a1/artifacts' });

      const todo = await transfer.runs(tester, id, [{ ...run, stamp: '1' }]);
      assert.equal(todo[0]?.todo, 'nothing');
      const changed = await transfer.runs(tester, id, [{ ...run, name: 'now named', stamp: '2' }]);
      assert.equal(changed[0]?.todo, 'copy');
      assert.equal((await runs.get(tester, 'a1')).name, 'now named');
      assert.deepEqual((await transfer.check(tester, id, '7')).differences, [
        { kind: 'run', id: 'a1', what: ['not complete'] },
      ]);

      await transfer.finish(tester, id, { agrees: false, counts: { runs: 1 } });
      await assert.rejects(
        transfer.finish(tester, id, { agrees: true, counts: {} }),
        refused('import_finished'),
      );
      const entries = await journal.auditEntries({ limit: 10, subjectKind: 'import' });
      assert.deepEqual(
        entries.map(({ action, reason }) => [action, reason]),
        [['transfer:import', 'brought in from somewhere']],
      );
      assert.notEqual((await transfer.start(tester, 'somewhere')).id, id);
    });

    test('what was here before is never changed', async (t) => {
      const { tracking, experimentId, start } = await startedExperiment(t, open);
      const { transfer, runs } = tracking;
      const native = await start({ name: 'native' });
      const { id } = await transfer.start(tester, 'somewhere');
      const wanted = { ...experiment, id: experimentId, name: 'taken id' };
      const placed = await transfer.placeExperiments(tester, id, [
        wanted,
        { ...experiment, id: '9', name: 'flights' },
        { ...experiment, id: '123456789012345678901', name: 'id beyond numbers' },
      ]);
      assert.deepEqual(
        placed.map(({ outcome }) => outcome),
        ['new-id', 'merged', 'new-id'],
      );
      assert.notEqual(placed[0]?.id, experimentId);
      assert.equal(placed[1]?.id, experimentId);

      const theirs = { ...run, id: native.id, experimentId, stamp: '1' };
      assert.equal((await transfer.runs(tester, id, [theirs]))[0]?.todo, 'compare');
      assert.equal((await runs.get(tester, native.id)).name, 'native');
      const other = { ...series, runId: native.id };
      await assert.rejects(transfer.metrics(tester, id, [other]), refused('import_item_foreign'));
      const at = { kind: 'run', id: native.id, path: 'x' } as const;
      await assert.rejects(
        transfer.putArtifact(tester, id, at, Readable.from([''])),
        refused('import_item_foreign'),
      );
      const source = runFacts(theirs, new PointsDigest(), []);
      await transfer.complete(tester, id, [{ kind: 'run', id: native.id, source }]);
      const { differences } = await transfer.check(tester, id, experimentId);
      assert.deepEqual(differences, [{ kind: 'run', id: native.id, what: ['record'] }]);
    });

    test('new experiments go on counting behind ids that were given', async (t) => {
      const { tracking } = await openExperiments(t, open);
      const { id } = await tracking.transfer.start(tester, 'somewhere');
      await tracking.transfer.placeExperiments(tester, id, [{ ...experiment, id: '40' }]);
      assert.equal(await tracking.experiments.create(tester, { name: 'next', tags: [] }), '41');
    });

    test('a job may not bring experiments in', async (t) => {
      const { tracking } = await openExperiments(t, open);
      await assert.rejects(
        tracking.transfer.start({ kind: 'job', id: 'j' }, 'somewhere'),
        refused('forbidden'),
      );
    });
  });
});

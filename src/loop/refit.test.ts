import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../core/json.ts';
import { forEachDatabase } from '../platform/db/testing.ts';
import { anna, FakeWorld, loopTestMigrations, loopText, openLoop, pathOf } from './testing.ts';

const refitText = loopText.replace('python train.py', 'python train.py, refit: true');

forEachDatabase((name, open) => {
  test(`${name}: with train.refit, what was judged is trained on all rows and rolled out as another version`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply(refitText);
    const first = await loop.turn(1);
    assert.deepEqual(pathOf(first).slice(-4), ['gating', 'refitting', 'promoting', 'promoted']);
    assert.deepEqual([world.calls, world.refits, world.champion], [['deploy 2'], [1], 2]);
    assert.equal(first.challengerVersion, 2);
    const { refit } = first;
    assert.deepEqual([refit?.judgedVersion, refit?.rows, refit?.checks.length], [1, 100, 1]);
    assert.notEqual(refit?.judgedPackageDigest, first.packageDigest);
    assert.deepEqual(
      first.steps.map((step) => step.kind),
      ['prepare-data', 'train', 'package', 'evaluate', 'train', 'package', 'evaluate', 'deploy'],
    );
    const [, train, , evaluate, again, , check] = first.steps;
    assert.deepEqual(
      await Promise.all([train, again].map((step) => loop.inputs(step, ['dataDigest', 'dataRows']))),
      [
        [digestOf('train'), 80],
        [digestOf('data'), 100],
      ],
    );
    // The check is beside the judged model; the evaluation of the turn is the judged model's.
    const pair = ['candidateDigest', 'championDigest'];
    assert.deepEqual(await loop.inputs(check, pair), [first.packageDigest, refit?.judgedPackageDigest]);
    assert.equal(first.evaluationId, evaluate?.stepRunId);

    // A later challenger is judged beside a model that has not seen the hold-out: not the refitted champion.
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'again' });
    assert.equal((await loop.settle()).activeTurn?.state, 'shadow');
    const second = await loop.turn(2);
    assert.equal((await loop.inputs(second.steps[4], pair))[1], refit?.judgedPackageDigest);
    const judged = second.transitions.find((step) => step.to === 'gating');
    assert.match(judged?.reason ?? '', /beside version 1, which champion 2 was refitted from$/);
    assert.deepEqual([world.challenger, world.calls.at(-1), world.refits], [4, 'mirror 4', [1, 3]]);
  });

  test(`${name}: a refitted model that is another kind of model is not rolled out; a failed refit is tried again`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    world.trainErrorOnRows = 100;
    await loop.apply(refitText);
    const failed = await loop.turn(1);
    assert.deepEqual([failed.state, failed.failure?.state], ['failed', 'refitting']);
    world.trainErrorOnRows = undefined;
    await loop.turns.retry(anna, failed.id, 'more memory');
    assert.equal((await loop.settle()).championVersion, 2);

    await loop.advance('2001-02-08');
    world.refitVerdict = 'fail';
    await loop.loops.trigger(anna, 'flights', { reason: 'odd rows' });
    await loop.settle();
    world.refitVerdict = 'unsure';
    world.signatureDifference = 'its inputs are [], and were [1]';
    await loop.loops.trigger(anna, 'flights', { reason: 'odd columns' });
    await loop.settle();
    const odd = await Promise.all([loop.turn(2), loop.turn(3)]);
    assert.deepEqual(
      odd.map((turn) => [turn.state, turn.challengerVersion, turn.reason]),
      [
        [
          'rejected',
          3,
          'refitted on all rows, version 3 is another model: auc ≥ 0.6 (AUC 0.55 is less than 0.6)',
        ],
        ['rejected', 4, 'refitted on all rows, version 4 is another model: its inputs are [], and were [1]'],
      ],
    );
    assert.deepEqual([world.calls, world.champion], [['deploy 2'], 2]);
  });

  test(`${name}: a restart after every change of state goes on to the same end`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    void loop.loops.apply(anna, { text: refitText });
    for (let n = 0; n < 30; n++) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      await loop.restart();
    }
    const applied = await loop.apply(refitText);
    assert.equal(applied.championVersion, 2);
    assert.deepEqual(world.calls, ['deploy 2']);
    assert.equal(world.versions.length, 2);
    const turn = await loop.turn(1);
    assert.deepEqual(
      turn.steps.map((step) => step.kind),
      ['prepare-data', 'train', 'package', 'evaluate', 'train', 'package', 'evaluate', 'deploy'],
    );
  });
});

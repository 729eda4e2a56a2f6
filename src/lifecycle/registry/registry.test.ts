import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Actor } from '../../platform/access/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { refused, tester } from '../experiments/testing.ts';
import { openRegistry } from './testing.ts';

const job: Actor = { kind: 'job', id: 'step-1' };
const digest = (n: number) => `sha256:${String(n).repeat(64).slice(0, 64)}` as const;
const reason = 'test';

forEachDatabase((dialect, open) => {
  const setup = async (t: TestContext) => {
    const opened = await openRegistry(t, open);
    const { registry, tracking } = opened;
    const packaged = (n: number) => registry.createVersion(tester, { name: 'late', digest: digest(n) });
    const aliases = async () =>
      Object.fromEntries((await registry.getModel(tester, 'late')).aliases.map((a) => [a.alias, a.version]));
    const loggedModel = async () => {
      const run = await tracking.runs.create(tester, {
        experimentId: '0',
        userId: '',
        startTimeMs: 1,
        name: '',
        tags: [],
      });
      const about = {
        experimentId: '0',
        name: 'm',
        modelType: '',
        sourceRunId: run.id,
        params: [],
        tags: [],
      };
      return { run, model: await tracking.models.create(tester, about) };
    };
    return { ...opened, packaged, aliases, loggedModel };
  };

  test(`${dialect}: promote and rollback move the champion, its past and the challenger at once`, async (t) => {
    const { registry, packaged, aliases, tick, journal } = await setup(t);
    for (const n of [1, 2, 3]) await packaged(n);
    await assert.rejects(registry.rollback(tester, 'late', { reason }), refused('no_previous_champion'));
    await registry.promote(tester, 'late', { version: 1, reason: 'first' });
    tick();
    await registry.setAlias(tester, { name: 'late', alias: 'challenger', version: 2, reason });
    assert.deepEqual(await aliases(), { champion: 1, challenger: 2 });
    tick();
    await registry.promote(tester, 'late', { version: 2, reason: 'better' });
    assert.deepEqual(await aliases(), { champion: 2 });
    tick();
    await registry.promote(tester, 'late', { version: 3, reason: 'better still' });
    await registry.promote(tester, 'late', { version: 3, reason: 'again' });
    assert.equal((await registry.getModel(tester, 'late')).previousChampion, 2);
    tick();
    assert.equal((await registry.rollback(tester, 'late', { reason: 'worse' })).version, 2);
    tick();
    assert.equal((await registry.rollback(tester, 'late', { reason: 'worse too' })).version, 1);
    await assert.rejects(registry.rollback(tester, 'late', { reason }), refused('no_previous_champion'));
    assert.deepEqual(await aliases(), { champion: 1 });
    const moves = await registry.aliasMoves(tester, 'late', { limit: 3 });
    assert.deepEqual(
      moves.items.map((m) => [m.action, m.alias, m.previousVersion, m.version, m.reason, m.by]),
      [
        ['rollback', 'champion', 2, 1, 'worse too', 'user:tester'],
        ['rollback', 'champion', 3, 2, 'worse', 'user:tester'],
        ['promote', 'champion', 2, 3, 'better still', 'user:tester'],
      ],
    );
    const rest = await registry.aliasMoves(tester, 'late', { limit: 10, after: moves.next ?? '' });
    assert.equal(rest.items.length, 4);
    const events = (await journal.eventsAfter(0, 100)).map((e) => e.type);
    assert.deepEqual(events.slice(-4), [
      'model.promoted',
      'model.promoted',
      'model.rolled-back',
      'model.rolled-back',
    ]);
    const [audit] = await journal.auditEntries({ limit: 1 });
    assert.deepEqual(
      [audit?.action, audit?.before, audit?.after, audit?.reason],
      ['registry:rollback', { champion: 2 }, { champion: 1 }, 'worse too'],
    );
  });

  test(`${dialect}: what may not be promoted, and by whom`, async (t) => {
    const { registry, packaged, aliases, loggedModel, tick } = await setup(t);
    const promote = (version: number, actor = tester) => registry.promote(actor, 'late', { version, reason });
    await packaged(1);
    await assert.rejects(promote(1, job), refused('forbidden'));
    await assert.rejects(
      registry.setAlias(job, { name: 'late', alias: 'champion', version: 1 }),
      refused(
        'alias_protected',
        /alias champion of late is protected \(champion\): job:step-1 may not move it/,
      ),
    );
    await assert.rejects(
      promote(9),
      refused('version_unknown', /Model Version \(name=late, version=9\) not found/),
    );
    await assert.rejects(
      registry.promote(tester, 'late', { version: 1, reason: ' ' }),
      refused('invalid_input', /reason/),
    );
    const { model } = await loggedModel();
    const source = `models:/${model.id}`;
    await registry.registerVersion(tester, { name: 'late', source, modelId: model.id, tags: [] });
    await assert.rejects(promote(2), refused('version_not_packaged'));
    const gate = {
      gate: { metric: 'auc', min: 0.65 },
      name: 'auc ≥ 0.65',
      measured: null,
      reason: 'AUC 0.6 is below 0.65',
    };
    const gated = await registry.recordGates(tester, 'late', 1, {
      evaluationId: 'e1',
      gates: [{ ...gate, verdict: 'fail' }],
    });
    assert.deepEqual(
      gated.gates.map((g) => [g.name, g.verdict, g.evaluationId]),
      [['auc ≥ 0.65', 'fail', 'e1']],
    );
    await assert.rejects(promote(1), refused('version_blocked', /gate auc ≥ 0.65 failed: AUC 0.6 is below/));
    await registry.approve(tester, 'late', 1, { decision: 'rejected', reason: 'no' });
    await assert.rejects(promote(1), refused('version_blocked', /user:tester refused it: no/));
    tick();
    const approved = await registry.approve(tester, 'late', 1, {
      decision: 'approved',
      reason: 'the rows were few',
    });
    assert.deepEqual(
      approved.approvals.map((a) => a.decision),
      ['rejected', 'approved'],
    );
    await promote(1);
    assert.deepEqual(await aliases(), { champion: 1 });
    const repeated = await registry.recordGates(tester, 'late', 1, {
      evaluationId: 'e1',
      gates: [{ ...gate, verdict: 'pass' }],
    });
    assert.deepEqual(
      repeated.gates.map((g) => g.verdict),
      ['pass'],
    );
  });

  test(`${dialect}: two promotions at once leave one champion and a true history`, async (t) => {
    const { registry, packaged } = await setup(t);
    for (const n of [1, 2, 3, 4]) await packaged(n);
    await Promise.all([1, 2, 3, 4].map((version) => registry.promote(tester, 'late', { version, reason })));
    const model = await registry.getModel(tester, 'late');
    const { items } = await registry.aliasMoves(tester, 'late', { limit: 10 });
    assert.equal(model.aliases.length, 1);
    assert.equal(new Set(items.map((m) => m.previousVersion)).size, 4);
    assert.notEqual(model.previousChampion, model.aliases[0]?.version);
  });

  test(`${dialect}: a package completes the version that its script registered, and is never registered twice`, async (t) => {
    const { registry, loggedModel, tracking } = await setup(t);
    const { run, model } = await loggedModel();
    await registry.createModel(tester, { name: 'late', tags: [] });
    const registered = await registry.registerVersion(tester, {
      name: 'late',
      source: `models:/${model.id}`,
      runId: run.id,
      modelId: model.id,
      tags: [{ key: 'k', value: 'v' }],
    });
    assert.equal(registered.storageLocation, model.artifactUri);
    const tag = (await tracking.models.get(tester, model.id)).tags.find(
      (x) => x.key === 'mlflow.modelVersions',
    );
    assert.equal(tag?.value, '[{"name": "late", "version": 1}]');
    const signature = { inputs: [{ name: 'x', type: 'double', required: true, shape: [] }], outputs: [] };
    const input = { name: 'late', digest: digest(1), modelId: model.id, datasetVersionId: 'd1', signature };
    const completed = await registry.createVersion(tester, input);
    assert.deepEqual([completed.version, completed.digest, completed.signature], [1, digest(1), signature]);
    assert.deepEqual(completed.tags, [{ key: 'k', value: 'v' }]);
    assert.equal((await registry.createVersion(tester, input)).version, 1);
    const other = await registry.createVersion(tester, { ...input, digest: digest(2) });
    assert.deepEqual([other.version, other.sourceRunId, other.source], [2, run.id, `models:/${model.id}`]);
    // Of versions of one logged model the one that is named gets the package, also where another has it already.
    for (const version of [3, 4]) {
      const again = {
        name: 'late',
        source: `models:/${model.id}`,
        runId: run.id,
        modelId: model.id,
        tags: [],
      };
      assert.equal((await registry.registerVersion(tester, again)).version, version);
    }
    assert.equal((await registry.createVersion(tester, { ...input, version: 3 })).version, 3);
    assert.equal((await registry.getVersion(tester, 'late', '4')).digest, null);
    assert.equal((await registry.createVersion(tester, { ...input, version: 4 })).digest, digest(1));
    await registry.createVersion(tester, { name: 'new one', digest: digest(3) });
    assert.equal((await registry.getVersion(tester, 'new one', '1')).source, `blob:${digest(3)}`);
  });

  test(`${dialect}: where a version may come from`, async (t) => {
    const { registry, loggedModel, tracking } = await setup(t);
    const { run, model } = await loggedModel();
    await registry.createModel(tester, { name: 'late', tags: [] });
    const from = (source: string, ids: { runId?: string; modelId?: string } = {}) =>
      registry.registerVersion(tester, { name: 'late', source, tags: [], ...ids });
    const runId = run.id;
    const modelId = model.id;
    assert.equal((await from(`runs:/${runId}/model`, { runId })).storageLocation, `${run.artifactUri}/model`);
    assert.equal((await from(`${run.artifactUri}/model`, { runId })).version, 2);
    assert.equal((await from(`models:/${modelId}`, { modelId })).sourceRunId, runId);
    assert.equal((await from('s3://bucket/model')).version, 4);
    assert.equal((await from('models:/late/3')).modelId, modelId);
    const about = { experimentId: '0', name: 'm', modelType: '', sourceRunId: '', params: [], tags: [] };
    const outside = await tracking.models.create(tester, about);
    assert.equal(outside.sourceRunId, null);
    const ofNoRun = await from(`models:/${outside.id}`, { runId: '', modelId: outside.id });
    assert.equal(ofNoRun.sourceRunId, null);
    const bad: readonly (readonly [string, object, RegExp])[] = [
      ['/etc/passwd', {}, /To use a local path as a model version source, the run_id/],
      ['file:///etc', { modelId }, /the model_id request parameter has to be specified/],
      [
        `${run.artifactUri}/../../x`,
        { runId },
        /absolute path must be provided without relative path references/,
      ],
      [`${run.artifactUri}/%252e%252e/x`, { runId }, /without relative path references/],
      ['s3://b/a/../c', {}, /without relative path references/],
      [`models:/${modelId}`, {}, /The model_id request parameter must identify the resource/],
      [`models:/${modelId}`, { modelId: 'm-0' }, /The model_id request parameter must identify/],
      [`runs:/${runId}/m`, { runId: 'other' }, /The run_id request parameter must identify/],
      ['mlflow-artifacts:/0/other/artifacts/m', { runId }, /The run_id request parameter must identify/],
      ['models:/late/1', { runId: 'other' }, /must match the referenced model version/],
    ];
    for (const [source, ids, message] of bad)
      await assert.rejects(from(source, ids), refused('tracking_invalid', message), source);
    await assert.rejects(from('models:/late@none'), refused('alias_unknown'));
    const prompt = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }];
    await registry.createModel(tester, { name: 'hello', tags: prompt });
    const told = (source: string) =>
      registry.registerVersion(tester, { name: 'hello', source, tags: prompt });
    await assert.rejects(told('/etc'), refused('tracking_invalid', /^Invalid prompt source: '\/etc'\./));
    assert.equal((await told('prompt-template')).version, 1);
    const ofPrompt = /Prompt versions cannot be used as model version sources/;
    await assert.rejects(from('models:/hello/1'), refused('tracking_invalid', ofPrompt));
  });

  test(`${dialect}: models and versions are searched; prompts stay apart; deleted versions are redacted`, async (t) => {
    const { registry, packaged, tick } = await setup(t);
    await packaged(1);
    tick();
    await packaged(2);
    await registry.createModel(tester, { name: 'Arrivals', tags: [{ key: 'team', value: 'ops' }] });
    await registry.createModel(tester, {
      name: 'greeting',
      tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }],
    });
    await assert.rejects(
      registry.createModel(tester, { name: 'late', tags: [] }),
      refused('registered_model_exists', /Registered Model \(name=late\) already exists\./),
    );
    await assert.rejects(
      registry.createModel(tester, { name: 'a/b', tags: [] }),
      refused('tracking_invalid', /Names cannot contain '\/' or ':'/),
    );
    const models = async (filter: string, orderBy: readonly string[] = []) =>
      (await registry.searchModels(tester, { filter, orderBy, limit: 10 })).items.map((m) => m.name);
    assert.deepEqual(await models(''), ['Arrivals', 'late']);
    assert.deepEqual(await models('', ['name DESC']), ['late', 'Arrivals']);
    assert.deepEqual(await models("tags.team = 'ops'"), ['Arrivals']);
    assert.deepEqual(await models("name ILIKE 'ARR%'"), ['Arrivals']);
    assert.deepEqual(await models("tags.`mlflow.prompt.is_prompt` = 'true'"), ['greeting']);
    const versions = async (filter: string) =>
      (await registry.searchVersions(tester, { filter, limit: 10 })).items.map(
        (v) => `${v.name}/${v.version}`,
      );
    assert.deepEqual(await versions("name = 'late'"), ['late/2', 'late/1']);
    assert.deepEqual(await versions('version_number > 1'), ['late/2']);
    const page = await registry.searchVersions(tester, { limit: 1 });
    assert.equal(
      (await registry.searchVersions(tester, { limit: 1, after: page.next ?? '' })).items[0]?.version,
      1,
    );

    await registry.transitionStage(tester, 'late', '1', { stage: 'production', archiveOthers: false });
    await registry.transitionStage(tester, 'late', '2', { stage: 'Production', archiveOthers: true });
    const latest = await registry.latestVersions(tester, 'late');
    assert.deepEqual(
      latest.map((v) => [v.version, v.stage]),
      [
        [1, 'Archived'],
        [2, 'Production'],
      ],
    );
    await assert.rejects(
      registry.transitionStage(tester, 'late', '1', { stage: 'Prod', archiveOthers: false }),
      refused(
        'tracking_invalid',
        /Invalid Model Version stage: Prod\. Value must be one of None, Staging, Production, Archived\./,
      ),
    );

    await registry.setAlias(tester, { name: 'late', alias: 'best', version: '2' });
    assert.equal((await registry.versionByAlias(tester, 'late', 'best')).version, 2);
    assert.equal((await registry.versionByAlias(tester, 'late', 'latest')).version, 2);
    await registry.renameModel(tester, 'late', 'later');
    await registry.deleteVersion(tester, 'later', '2');
    await assert.rejects(
      registry.versionByAlias(tester, 'later', 'best'),
      refused('alias_unknown', /Registered model alias best not found\./),
    );
    await assert.rejects(registry.getVersion(tester, 'later', '2'), refused('version_unknown'));
    assert.equal((await registry.createVersion(tester, { name: 'later', digest: digest(5) })).version, 3);
    for (const alias of ['latest', 'v2', 'a b', '']) {
      await assert.rejects(
        registry.setAlias(tester, { name: 'later', alias, version: '1' }),
        refused('tracking_invalid'),
        alias,
      );
    }
    await registry.deleteModel(tester, 'later');
    await assert.rejects(registry.getModel(tester, 'later'), refused('registered_model_unknown'));
  });

  test(`${dialect}: a version or model that is served can be deleted, and the trail names who goes on serving it`, async (t) => {
    const { registry, journal, serving } = await setup(t);
    await registry.createModel(tester, { name: 'late', tags: [] });
    for (const n of [1, 2]) await registry.createVersion(tester, { name: 'late', digest: digest(n) });
    serving.set('late/1', ['flights', 'trains']).set('late/*', ['flights', 'trains']);
    const trail = async () => (await journal.auditEntries({ limit: 1 }))[0];
    await registry.deleteVersion(tester, 'late', '1');
    assert.deepEqual((await trail())?.after, { servedBy: ['flights', 'trains'] });
    await registry.deleteVersion(tester, 'late', '2');
    assert.equal((await trail())?.after ?? null, null);
    await registry.deleteModel(tester, 'late');
    assert.deepEqual((await trail())?.after, { servedBy: ['flights', 'trains'] });
  });

  test(`${dialect}: models and prompts share their names, and a description can be taken away`, async (t) => {
    const { registry } = await setup(t);
    const prompt = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }];
    await registry.createModel(tester, { name: 'hello', tags: prompt });
    const create = (name: string, tags: typeof prompt) => registry.createModel(tester, { name, tags });
    await assert.rejects(
      create('hello', prompt),
      refused('registered_model_exists', /^Prompt \(name=hello\) already exists\.$/),
    );
    await assert.rejects(
      create('hello', []),
      refused(
        'registered_name_taken',
        /create a registered model with name 'hello', but the name is already taken by a prompt\./,
      ),
    );
    await registry.createModel(tester, { name: 'plain', tags: [] });
    await assert.rejects(
      create('plain', prompt),
      refused('registered_name_taken', /create a prompt with .* taken by a registered model\./),
    );
    const source = 's3://bucket/m';
    await registry.registerVersion(tester, { name: 'plain', source, tags: [], description: 'first' });
    for (const description of [undefined, '', undefined, 'again']) {
      const changed = await registry.updateVersion(tester, 'plain', 1, description);
      const read = await registry.getVersion(tester, 'plain', 1);
      assert.deepEqual(
        [read.description, read.isUndescribed],
        [description ?? '', description === undefined],
      );
      assert.equal(changed.isUndescribed, read.isUndescribed);
    }
  });
});

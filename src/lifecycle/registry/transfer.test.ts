import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { tester } from '../experiments/testing.ts';
import type { TransferRegisteredModel, TransferVersion } from './contract/transfer.ts';
import { openRegistry } from './testing.ts';
import { registeredModelDigest } from './transfer-digest.ts';

const version = (number: number, change: Partial<TransferVersion> = {}): TransferVersion => ({
  version: number,
  status: 'READY',
  statusMessage: null,
  stage: 'None',
  deleted: false,
  description: '',
  source: 's3://there/model',
  storageLocation: 's3://there/model',
  runId: null,
  runLink: null,
  modelId: null,
  createdBy: 'user:ada',
  createdAtMs: 100 + number,
  updatedAtMs: 200 + number,
  tags: [{ key: 'checked', value: 'yes' }],
  digest: null,
  datasetVersionId: null,
  datasetDigest: null,
  signature: null,
  evaluationId: null,
  ...change,
});

const model: TransferRegisteredModel = {
  name: 'late',
  description: 'how late',
  isPrompt: false,
  lastVersion: 6,
  createdAtMs: 50,
  updatedAtMs: 60,
  tags: [{ key: 'owner', value: 'ops' }],
  aliases: [{ alias: 'next', version: 5 }],
  versions: [version(2), version(4, { deleted: true, tags: [] }), version(5, { stage: 'Staging' })],
  aliasMoves: [],
};

forEachDatabase((dialect, open) => {
  test(`${dialect}: versions come under their own numbers, with gaps and deleted ones, and once`, async (t) => {
    const { registry } = await openRegistry(t, open);
    for (let again = 0; again < 2; again++) {
      const [here] = await registry.importModels(tester, 'elsewhere', [model]);
      assert.deepEqual(here, {
        name: 'late',
        owned: true,
        versions: 2,
        digest: registeredModelDigest(model),
      });
    }
    const [back] = await registry.exportModels(tester, 10, '');
    assert.deepEqual({ ...back, aliasMoves: [] }, model);
    assert.deepEqual(
      back?.aliasMoves.map(({ alias, version: at, reason }) => [alias, at, reason]),
      [['next', 5, 'imported from elsewhere']],
    );
    const next = await registry.registerVersion(tester, { name: 'late', source: 's3://x/y', tags: [] });
    assert.equal(next.version, 7);
    assert.deepEqual(await registry.exportModels(tester, 10, 'late'), []);
  });

  test(`${dialect}: a model that was made here keeps what it has`, async (t) => {
    const { registry } = await openRegistry(t, open);
    await registry.createModel(tester, { name: 'late', description: 'ours', tags: [] });
    await registry.registerVersion(tester, { name: 'late', source: 's3://ours/1', tags: [] });
    await registry.registerVersion(tester, { name: 'late', source: 's3://ours/2', tags: [] });
    const [here] = await registry.importModels(tester, 'elsewhere', [model]);
    assert.equal(here?.owned, false);
    assert.notEqual(here?.digest, registeredModelDigest(model));
    const ours = await registry.getModel(tester, 'late');
    assert.deepEqual([ours.description, ours.aliases], ['ours', []]);
    assert.equal((await registry.getVersion(tester, 'late', 2)).source, 's3://ours/2');
    assert.equal((await registry.getVersion(tester, 'late', 5)).stage, 'Staging');
  });
});

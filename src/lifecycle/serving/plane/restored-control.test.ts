import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServing, storePackage, tableOf, testRoute } from '../../../../test/support/serving.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';

test('another route under a version that the replica knows is taken, as a restored control sends it', async (t) => {
  const { blobs, replica, post } = await startTestServing(t);
  const routeTo = async (modelVersion: string) => {
    const packageDigest = await storePackage(blobs, logisticOnnx(Number(modelVersion)), logisticPackage());
    const arms = [{ arm: 'champion', modelVersion, packageDigest, weight: 1 }];
    return testRoute(packageDigest, { arms, routeVersion: 5 });
  };
  const names = logisticPackage().signature.inputs.map(({ name }) => name);
  const inputs = names.map((name) => ({ name, shape: [1, 1], datatype: 'FP64', data: [0.5] }));
  for (const modelVersion of ['2', '3']) {
    await replica.applyRoutes(tableOf(await routeTo(modelVersion)));
    const { json } = await post('/v2/models/test/infer', { inputs });
    assert.equal(json.model_version, modelVersion);
  }
});

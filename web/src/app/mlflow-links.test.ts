import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathOfMlflowLink } from './mlflow-links.ts';

test('links that an MLflow client prints lead to our pages', () => {
  assert.equal(pathOfMlflowLink('#/experiments/1/runs/abc123'), '/runs/abc123');
  assert.equal(pathOfMlflowLink('#/experiments/1/runs/abc123/artifacts'), '/runs/abc123');
  assert.equal(pathOfMlflowLink('#/models/a%20b/versions/3'), '/models/a%20b/versions/3');
  assert.equal(pathOfMlflowLink('#/experiments/1'), '/runs');
  assert.equal(pathOfMlflowLink('#/models'), '/models');
  assert.equal(pathOfMlflowLink('#evidence'), null);
  assert.equal(pathOfMlflowLink(''), null);
});

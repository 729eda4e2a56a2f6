import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessDirection } from './metric-direction.ts';

test('losses, errors, distances and costs are better when smaller, the rest when greater', () => {
  const smaller =
    'loss val_loss train/loss valLoss log_loss logLoss cross_entropy rmse test-RMSE mean_absolute_error \
    false_positive_rate false_positives FID latency_ms perplexity training_mean_squared_error brier_score_loss';
  const greater =
    'auc val_acc accuracy_score f1 val/f1_macro r2_score precision recall reward mAP \
    neg_mean_squared_error neg_log_loss glossary terror score closs';
  for (const key of smaller.split(/\s+/)) assert.equal(guessDirection(key), 'minimize', key);
  for (const key of greater.split(/\s+/)) assert.equal(guessDirection(key), 'maximize', key);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Prediction } from '../../../../src/lifecycle/feedback/contract.ts';
import { recentAnswers } from './recent-answers.ts';

const row = (
  latencyMs: number,
  firstPieceMs: number | null = null,
  status = 'ok',
  refused = false,
): Prediction =>
  ({
    latencyMs,
    firstPieceMs,
    status,
    refused,
    receivedAt: `2026-01-01T00:00:00.${latencyMs + 100}Z`,
  }) as Prediction;

test('answers in pieces have their first piece apart; what failed or was refused has no latency', () => {
  const recent = recentAnswers([
    row(10),
    row(140, 55),
    row(150, 60),
    row(160, 90),
    row(0.1, null, 'bad'),
    row(0.1, null, 'missing', true),
  ]);
  assert.deepEqual(recent, {
    answered: 6,
    failed: 1,
    refused: 1,
    lastAt: '2026-01-01T00:00:00.260Z',
    latencyMs: { median: 140, p99: 160 },
    inPieces: 3,
    firstPieceMs: { median: 60, p99: 90 },
  });
});

test('nothing asked is nothing said', () => {
  assert.deepEqual(recentAnswers([]), {
    answered: 0,
    failed: 0,
    refused: 0,
    lastAt: null,
    latencyMs: null,
    inPieces: 0,
    firstPieceMs: null,
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareCourse } from './share-course.ts';

const route = (createdAt: string, ...weights: readonly number[]) => ({
  createdAt,
  arms: weights.map((weight, index) => ({
    arm: ['champion', 'b'][index] ?? '',
    modelVersion: '1',
    packageDigest: 'sha256:' as const,
    weight,
  })),
});

test('shares last from one change to the next, the last until the end; what was before the rollout is not its course', () => {
  const routes = [
    route('2001-01-01T12:00:00Z', 0.402, 0.598),
    route('2001-01-01T11:00:00Z', 0.5, 0.5),
    route('2001-01-01T10:00:00Z', 1),
  ];
  const rollout = { createdAt: '2001-01-01T11:00:00Z', endedAt: null };
  const course = shareCourse(routes, rollout, Date.parse('2001-01-01T12:30:00Z'));
  assert.deepEqual(
    course.map(({ startMs, endMs, parts }) => [
      (endMs - startMs) / 60_000,
      ...parts.map((part) => Number(part.count.toFixed(6))),
    ]),
    [
      [60, 50, 50],
      [30, 40.2, 59.8],
    ],
  );
  const ended = shareCourse(routes, { ...rollout, endedAt: '2001-01-01T11:30:00Z' }, 0);
  assert.equal(ended.length, 1);
});

test('a rollout with thousands of changes is drawn by those that can be told apart', () => {
  const startMs = Date.parse('2001-01-01T00:00:00Z');
  const routes = Array.from({ length: 5000 }, (_, index) =>
    route(new Date(startMs + index * 60_000).toISOString(), 1 - index / 10_000, index / 10_000),
  );
  const rollout = { createdAt: '2001-01-01T00:00:00Z', endedAt: null };
  const course = shareCourse(routes, rollout, startMs + 5000 * 60_000);
  assert.equal(course.length, 160);
  assert.equal(Math.round(course.at(-1)?.parts[1]?.count ?? 0), 50);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { effectThere, promotable, shareOf, triedBeside } from './promote-text.ts';

const endpoint = (
  name: string,
  environment: string | null,
  arms: readonly (readonly [string, number])[] = [],
) =>
  ({
    name,
    model: name.startsWith('other') ? 'other' : 'tide',
    options: { environment },
    shadow: null,
    arms: arms.map(([modelVersion, weight], index) => ({
      arm: index === 0 ? 'champion' : 'challenger',
      modelVersion,
      weight,
    })),
  }) as unknown as Endpoint;

test('a version goes on to other endpoints of its model, production first', () => {
  const staging = endpoint('b-staging', 'staging');
  const all = [
    endpoint('a-plain', null),
    staging,
    endpoint('c-test', 'test'),
    endpoint('d-live', 'production'),
    endpoint('other', 'production'),
  ];
  assert.deepEqual(
    promotable(staging, all).map(({ name }) => name),
    ['d-live', 'c-test', 'a-plain'],
  );
});

test('the effect names who answers there now, and who loses their share', () => {
  const live = endpoint('live', 'production', [
    ['1', 0.7],
    ['3', 0.3],
  ]);
  assert.equal(
    effectThere('2', live, 'challenger', 0.1, false),
    'v2 answers 10\u202f% of the requests to live at once, v1 the others. v3 loses the share that it has there now.',
  );
  assert.match(
    effectThere('2', endpoint('live', null), 'champion', 0, false),
    /where no version is deployed yet/,
  );
  assert.deepEqual(['', ' 5 ', '0', '101', '-1', 'x', '1e999'].map(shareOf), [
    null,
    0.05,
    0,
    null,
    null,
    null,
    null,
  ]);
});

test('who is only tried beside the champion is named, as it does not go on', () => {
  const arms = (count: number) =>
    endpoint(
      'sea',
      null,
      Array.from({ length: count }, (_, i) => [`${i + 1}`, 1 / count] as const),
    );
  assert.deepEqual(
    [1, 2, 3, 9].map((count) => triedBeside(arms(count))),
    [null, 'v2 is', 'v2, v3 are', '8 versions are'],
  );
});

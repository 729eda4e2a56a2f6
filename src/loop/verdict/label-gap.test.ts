import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng, type Rng } from '../../core/rng.ts';
import { rolloutSpecSchema } from '../contract.ts';
import { labelGapText } from './label-gap.ts';
import type { ArmStratum } from './observation.ts';
import { otherSeed } from './rates.testing.ts';
import { simulate } from './simulation.testing.ts';

/** The last looks of canaries of 3,000 requests whose arms have labels by these chances, late. */
function reasons(runs: number, seed: number, known: { champion: number; challenger: number }): string[] {
  const spec = rolloutSpecSchema.parse({
    kind: 'canary',
    version: 2,
    shadow: null,
    steps: [10, 50, 100],
    mirror: false,
    minLabels: 100,
  });
  const rng = createRng(seed + otherSeed);
  const draw = (from: Rng, _: number, share: number) => {
    const challenger = from.next() < share;
    const isKnown = from.next() < (challenger ? known.challenger : known.champion);
    return { challenger, loss: isKnown ? from.next() : null, difference: null, delay: from.int(5) };
  };
  const run = () => simulate(rng, { spec, looks: 30, requestsPerLook: 100, draw }).look.reason;
  return Array.from({ length: runs }, run);
}

test('labels that come more often for one arm are told behind the verdict; late and missing ones alike are not', () => {
  const isTold = (text: string) => text.includes('which is not chance');
  assert.equal(reasons(100, 1, { champion: 0.67, challenger: 0.67 }).filter(isTold).length, 0);
  const apart = reasons(20, 2, { champion: 0.9, challenger: 0.7 });
  assert.equal(
    apart.filter(isTold).length,
    20,
    apart.find((text) => !isTold(text)),
  );
  assert.match(
    apart[0] ?? '',
    /; labels are known of \d\d\.\d % of version 2's answers and \d\d\.\d % of the champion's, which is not chance/,
  );
});

test('entities that come back count once', () => {
  const stratum = (arm: string, labelled: number, units: number): ArmStratum => ({
    arm,
    version: arm,
    routeVersion: 1,
    propensity: 0.5,
    requests: 2000,
    failed: 0,
    nonFinite: 0,
    slow: 0,
    labelled,
    units,
    refused: 0,
    failedUnits: 0,
    newUnits: units,
    overdueUnits: units,
    metrics: {},
  });
  const text = (units: number) =>
    labelGapText([stratum('a', 1600, units), stratum('b', 1200, units)], { arm: 'a', version: 'a' }, [
      { arm: 'b', version: 'b' },
    ]);
  assert.match(text(2000), /60\.0 % of version b's answers and 80\.0 % of the champion's/);
  assert.equal(text(20), '');
});

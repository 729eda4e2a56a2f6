import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../rng.ts';
import { categoricalDrift } from './categorical-drift.ts';
import { numericDrift } from './numeric-drift.ts';
import { numericSample } from './numeric-sample.ts';
import { categoryLaws, drawCategories, drawNumeric, numericLaws, zipf } from './simulation.testing.ts';

const rng = createRng(20010101);

const numericShift = (draw: () => number, shifted: () => number, n: number, m: number): boolean =>
  numericDrift(numericSample(drawNumeric(draw, n, rng)), numericSample(drawNumeric(shifted, m, rng))).drifted;
const categoryShift = (before: readonly number[], after: readonly number[], n: number, m: number): boolean =>
  categoricalDrift(drawCategories(before, n, rng), drawCategories(after, m, rng)).drifted;

/** Share of repeats in which drift is claimed. */
function rate(repeats: number, claimed: () => boolean): number {
  let alarms = 0;
  for (let r = 0; r < repeats; r++) if (claimed()) alarms++;
  return alarms / repeats;
}

test('no drift: false alarms at most 2 % at alpha 0.01, for every law and size', () => {
  for (const [n, m] of [
    [500, 500],
    [5000, 500],
  ] as const) {
    for (const [name, law] of Object.entries(numericLaws)) {
      const draw = () => law(rng);
      const alarms = rate(150, () => numericShift(draw, draw, n, m));
      assert.ok(alarms <= 0.02, `${name} ${n}/${m}: ${alarms}`);
    }
    for (const [name, law] of Object.entries(categoryLaws)) {
      const alarms = rate(150, () => categoryShift(law, law, n, m));
      assert.ok(alarms <= 0.02, `${name} ${n}/${m}: ${alarms}`);
    }
  }
});

test('drift: every shift of the list is found every time at 5000 against 5000', () => {
  const normal = () => rng.normal();
  const lognormal = () => Math.exp(rng.normal());
  const pareto = () => (1 - rng.next()) ** (-1 / 1.5);
  const top = zipf(50);
  const wider = [top[0]! + 0.1, ...top.slice(1).map((p) => (p * (0.9 - top[0]!)) / (1 - top[0]!))];
  let first = true;
  const paretoWithOutlier = () => {
    const value = first ? 1e9 : pareto();
    first = false;
    return value;
  };
  const five = categoryLaws.five!;
  const shifts: Readonly<Record<string, () => boolean>> = {
    'up 0.3 sd': () => numericShift(normal, () => normal() + 0.3, 5000, 5000),
    'down 0.3 sd': () => numericShift(normal, () => normal() - 0.3, 5000, 5000),
    'sd × 1.5': () => numericShift(normal, () => normal() * 1.5, 5000, 5000),
    'lognormal × 1.3': () => numericShift(lognormal, () => lognormal() * 1.3, 5000, 5000),
    'pareto × 1.5, outlier in the reference': () => {
      first = true;
      return numericShift(paretoWithOutlier, () => pareto() * 1.5, 5000, 5000);
    },
    'new category of 15 %': () => categoryShift(five, [...five.map((p) => p * 0.85), 0.15], 5000, 5000),
    'category from 20 to 35 %': () => categoryShift([0.2, 0.3, 0.5], [0.35, 0.24375, 0.40625], 5000, 5000),
    'top of 50 categories + 10 points': () => categoryShift(top, wider, 5000, 5000),
  };
  for (const [name, shift] of Object.entries(shifts)) assert.equal(rate(20, shift), 1, name);
});

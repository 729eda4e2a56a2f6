import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareConfidenceSequence } from './confidence-sequence.ts';
import { prepareBins, prepareStepHistogram } from './histogram.ts';
import { prepareIntervalScale } from './interval-scale.ts';
import { bandPath, runsOf } from './paths.ts';
import { prepareReliability } from './reliability.ts';
import { prepareSparkline } from './sparkline.ts';
import { prepareStackedBars } from './stacked-bars.ts';
import { leastDone, prepareStepPlan } from './step-plan.ts';
import { extent, niceStep, timeTicks, valueTicks } from './ticks.ts';
import { placeMarks, prepareTimeChart, samplesAt, type WindowPoint } from './time-chart.ts';

const DAY = 86_400_000;
const march = Date.UTC(2001, 2, 1);
const day = (index: number, value: number | null, more: Partial<WindowPoint> = {}): WindowPoint => ({
  startMs: march + index * DAY,
  endMs: march + (index + 1) * DAY,
  value,
  ...more,
});
const chart = (points: readonly WindowPoint[], more = {}) =>
  prepareTimeChart({
    series: [{ id: 'a', label: 'A', colour: 'red', points }],
    fromZero: false,
    width: 600,
    height: 200,
    ...more,
  });

test('value ticks: at most six, nice, scores keep their range, counts start at zero', () => {
  const scores = valueTicks(0.431, 0.487, false);
  assert.deepEqual(
    scores.ticks.map((tick) => tick.text),
    ['0.42', '0.44', '0.46', '0.48', '0.50'],
  );
  const counts = valueTicks(120, 4300, true);
  assert.equal(counts.low, 0);
  assert.ok(counts.ticks.length <= 6 && counts.high >= 4300);
  const flat = valueTicks(0.5, 0.5, false);
  assert.ok(flat.low < 0.5 && flat.high > 0.5);
  assert.equal(niceStep(1, 4), 0.25);
  assert.equal(extent([null, Number.NaN, undefined]), null);
  assert.equal(valueTicks(0, 25_000, true).ticks.at(-1)?.text, '30k');
});

test('time ticks are whole days, Mondays or months in UTC', () => {
  assert.deepEqual(
    timeTicks(march, march + 5 * DAY, 6).map((tick) => tick.text),
    ['Mar 1', 'Mar 2', 'Mar 3', 'Mar 4', 'Mar 5', 'Mar 6'],
  );
  const weeks = timeTicks(march, march + 35 * DAY, 6);
  assert.ok(weeks.every((tick) => new Date(tick.value).getUTCDay() === 1));
  assert.deepEqual(
    timeTicks(Date.UTC(2000, 10, 15), Date.UTC(2001, 3, 2), 6).map((tick) => tick.text),
    ['Dec', '2001', 'Feb', 'Mar', 'Apr'],
  );
  assert.deepEqual(timeTicks(5, 5, 4), []);
});

test('a missing window is a gap, a lonely sample a dot', () => {
  const prepared = chart([day(0, 1), day(1, 2), day(2, null), day(4, 3)]);
  assert.equal(prepared?.lines[0]?.paths.length, 1);
  assert.equal(prepared?.lines[0]?.dots.length, 1);
  assert.equal(prepared?.samples.length, 3);
  assert.equal(chart([day(0, null)]), null);
});

test('bands, hatches and marks lie inside the plot', () => {
  const prepared = chart(
    [day(0, 1, { low: 0.5, high: 1.5 }), day(1, 2, { mature: false }), day(2, 2, { mature: false })],
    {
      marks: [
        { atMs: march + DAY, kind: 'promotion', text: 'v2' },
        { atMs: 0, kind: 'incident', text: 'before' },
      ],
    },
  );
  assert.ok(prepared);
  assert.equal(prepared.hatches.length, 1);
  assert.ok(Math.abs((prepared.hatches[0]?.width ?? 0) - (prepared.plot.width * 2) / 3) < 0.01);
  assert.equal(prepared.marks.length, 1);
  assert.equal(prepared.lines[0]?.bands.length, 1);
  assert.ok(Math.abs(prepared.timeAt(prepared.xOf(march + DAY)) - (march + DAY)) < 1);
});

test('hover snaps to real samples and never across a gap', () => {
  const prepared = chart([day(0, 1), day(1, 2), day(9, 3)]);
  assert.ok(prepared);
  assert.equal(samplesAt(prepared.samples, march + 1.4 * DAY)[0]?.point.value, 2);
  assert.deepEqual(samplesAt(prepared.samples, march + 5 * DAY), []);
});

test('stacked bars add up and start at zero', () => {
  const prepared = prepareStackedBars({
    windows: [
      {
        startMs: march,
        endMs: march + DAY,
        parts: [
          { id: 'b', count: 10 },
          { id: 'a', count: 90 },
        ],
      },
    ],
    order: ['a', 'b'],
    width: 300,
    height: 120,
  });
  assert.ok(prepared);
  const [a, b] = prepared.bars;
  assert.equal(a?.id, 'a');
  assert.ok(a && b && Math.abs(b.y + b.height - a.y) < 1e-9);
  assert.equal(prepareStackedBars({ windows: [], order: [], width: 10, height: 10 }), null);
});

test('histograms compare shares, not counts', () => {
  const bins = prepareBins({
    edges: [0, 10, 20, 30],
    categories: null,
    reference: [10, 80, 10],
    current: [1, 4, 5],
  });
  assert.deepEqual(
    bins.map((bin) => bin.label),
    ['up to 10', '10 to 20', 'over 20'],
  );
  assert.ok(Math.abs((bins[2]?.difference ?? 0) - 0.4) < 1e-12);
  assert.equal(
    prepareBins({ edges: null, categories: ['a', ''], reference: [0, 0], current: [0, 0] })[1]?.label,
    '(empty)',
  );
  const drawn = prepareStepHistogram(bins, 400, 180, ['v1', 'v2']);
  assert.ok(drawn && !drawn.currentLine.includes('NaN'));
  assert.equal(drawn?.strip[1]?.up, false);
  assert.equal(prepareStepHistogram([], 400, 180, ['v1', 'v2']), null);
});

test('sparklines keep gaps; nothing known draws nothing', () => {
  assert.equal(prepareSparkline([1, 2, null, 3, 4], 100, 20)?.paths.length, 2);
  assert.equal(prepareSparkline([null, Number.NaN], 100, 20), null);
  assert.equal(prepareSparkline([5], 100, 20)?.last?.x, 50);
});

test('the reliability curve covers its points and never exceeds one', () => {
  const prepared = prepareReliability(
    [{ id: 'v1', points: [{ meanScore: 0.42, observed: 0.4, low: 0.31, high: 0.49, rows: 10 }] }],
    200,
  );
  assert.equal(prepared?.ticks.at(-1)?.text, '50');
  assert.equal(prepareReliability([], 200), null);
});

test('a confidence sequence shows its bounds even when all looks are on one side', () => {
  const prepared = prepareConfidenceSequence({
    looks: [
      { pairs: 900, value: -0.02, low: -0.03, high: -0.01 },
      { pairs: 100, value: -0.05, low: -0.3, high: 0.2 },
    ],
    bounds: [
      { value: 0, label: 'no difference' },
      { value: 0.02, label: 'harm' },
    ],
    need: 2000,
    width: 400,
    height: 160,
  });
  assert.ok(prepared);
  assert.equal(prepared.looks[0]?.pairs, 100);
  for (const bound of prepared.bounds) {
    assert.ok(bound.y >= prepared.plot.y - 1e-9 && bound.y <= prepared.plot.y + prepared.plot.height + 1e-9);
  }
});

test('the label of a bound stands on the side of its line where the looks are not', () => {
  const labelOf = (value: number): number => {
    const [bound] =
      prepareConfidenceSequence({
        looks: [1, 2, 3].map((pairs) => ({ pairs, value, low: value - 0.01, high: value + 0.01 })),
        bounds: [
          { value: 0, label: 'abort' },
          { value: 0.04, label: 'top' },
          { value: -0.04, label: 'bottom' },
        ],
        width: 400,
        height: 160,
      })?.bounds ?? [];
    assert.ok(bound);
    return bound.labelY - bound.y;
  };
  assert.ok(labelOf(0.02) > 0);
  assert.ok(labelOf(-0.02) < 0);
});

test('intervals share one scale and say when they are cut', () => {
  const rows = [
    ...Array.from({ length: 18 }, () => ({ value: 0.001, low: -0.004, high: 0.006 })),
    { value: 0.5, low: 0.2, high: 0.9 },
  ];
  const scale = prepareIntervalScale(rows, 100);
  const last = rows.at(-1);
  assert.ok(last);
  assert.equal(scale.place(last)?.cutHigh, true);
  assert.equal(scale.place(last)?.excludesZero, true);
  assert.equal(scale.place({ value: null, low: null, high: null }), null);
});

test('the plan of a rollout: done, now, ahead, stopped', () => {
  const plan = {
    steps: [1, 10, 50, 100],
    shadow: true,
    needs: [
      { have: 50, need: 200 },
      { have: 10, need: 0 },
    ],
    note: '',
  };
  const states = (more: object) =>
    prepareStepPlan({ ...plan, stage: 'canary', step: 1, ...more } as never)
      .map((step) => step.state[0])
      .join('');
  assert.equal(states({}), 'ddnaa');
  assert.equal(states({ stage: 'shadow', step: null }), 'naaaa');
  assert.equal(states({ stage: 'stopped', end: 'watch' }), 'ddsaa');
  assert.equal(states({ stage: 'promoted' }), 'ddddd');
  assert.equal(states({ stage: 'promoted', early: true }), 'dddaa');
  assert.equal(states({ stage: 'before', step: null }), 'aaaaa');
  assert.equal(leastDone(plan.needs), 0.25);
});

test('paths break where told and a single band sample is still visible', () => {
  assert.deepEqual(
    runsOf([1, 2, 5, 6], (a, b) => b - a > 1),
    [
      [1, 2],
      [5, 6],
    ],
  );
  assert.match(bandPath([{ x: 10, low: 20, high: 5 }]), /^M8\.5 5H11\.5V20/);
  assert.equal(bandPath([]), '');
});

test('a challenger known by a handful of labels does not set the scale', () => {
  const champion = [day(0, 0.45, { low: 0.44, high: 0.46 }), day(1, 0.5, { low: 0.49, high: 0.51 })];
  const challenger = [day(1, 1.2, { low: 0.5, high: 1.9 })];
  const prepared = prepareTimeChart({
    series: [
      { id: 'champion', label: '', colour: '', points: champion },
      { id: 'challenger', label: '', colour: '', points: challenger },
    ],
    fromZero: false,
    width: 600,
    height: 200,
  });
  assert.ok(prepared && Number(prepared.yTicks.at(-1)?.text) < 0.6);
  const known = chart([day(0, 0)], { fromZero: true, atLeast: 1 });
  assert.equal(known?.yTicks.at(-1)?.text, '1.00');
});

test('marks of the same moment stand side by side, and none beyond the end', () => {
  const placed = (...times: readonly number[]) =>
    placeMarks(
      times.map((atMs) => ({ atMs, kind: 'incident' as const, text: '' })),
      { x: 0, width: 60 },
      (ms) => ms,
    ).map(({ x, glyphX }) => [x, glyphX]);
  assert.deepEqual(placed(50, 3, 3, 3), [
    [3, 3],
    [3, 13],
    [3, 23],
    [50, 50],
  ]);
  assert.deepEqual(placed(3, 45, 58, 60, 60), [
    [3, 3],
    [45, 30],
    [58, 40],
    [60, 50],
    [60, 60],
  ]);
  assert.deepEqual(
    placed(...Array.from({ length: 13 }, () => 7)).map(([, glyphX]) => glyphX),
    Array.from({ length: 13 }, (_, i) => i * 5),
  );
});

test('the label of a level stands on that side of its line where fewer of the last values are', () => {
  const side = (ends: number): number => {
    const points = [1, 0, 0.5, ends, ends, ends].map((value, index) => day(index, value));
    const [level] = chart(points, { levels: [{ value: 0.5, label: 'before' }] })?.levels ?? [];
    assert.ok(level);
    return Math.sign(level.labelY - level.y);
  };
  assert.equal(side(0.55), 1);
  assert.equal(side(0.45), -1);
});

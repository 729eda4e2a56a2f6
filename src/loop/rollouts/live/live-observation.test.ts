import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { createRng, type Rng } from '../../../core/rng.ts';
import { type ArrivedLabel, type ArrivedRow, featureText } from '../../../lifecycle/feedback/index.ts';
import { Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import { createRolloutSchema, type RolloutSpec } from '../../contract.ts';
import {
  type ArmRepeats,
  type ArmStratum,
  type LatencyBand,
  type MetricMoments,
  nothingObserved,
  type PairedMoments,
  type SegmentObservation,
} from '../../verdict/observation.ts';
import { observe, zeroBeforeOf } from '../../verdict/observe.ts';
import { safety } from '../../verdict/safety.ts';
import { LiveObservation } from './live-observation.ts';

const directory = await mkdtemp(join(tmpdir(), 'millrace-live-'));
const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '300MB', threads: 1 });
after(async () => {
  await frames.close();
  await rm(directory, { recursive: true, force: true });
});

const specOf = (plan: object): RolloutSpec =>
  createRolloutSchema.parse({
    plan: 'kind' in plan ? plan : { kind: 'canary', version: 2, ...plan },
    reason: 'x',
  }).plan;

/** Requests of entities that come back, under three routes, with copies, failures, and labels that come late or change. */
function history(rng: Rng, count: number, stepMs = 1000) {
  const rows: ArrivedRow[] = [];
  const labels: ArrivedLabel[] = [];
  const add = (label: Omit<ArrivedLabel, 'seq'>) => labels.push({ ...label, seq: labels.length });
  for (let i = 0; i < count; i++) {
    const predictionId = `p${i}`;
    const challenger = rng.next() < 0.3;
    const colour = ['red', 'green', 'blue', null][rng.int(4)];
    const common = {
      cells: [colour, rng.next() < 0.9 ? rng.int(30) / 2 : null],
      predictionId,
      routeVersion: 4 + Math.floor((4 * i) / count),
      bucket: rng.next() < 0.02 ? null : 7,
      entity: rng.next() < 0.1 ? null : `e${rng.int(count / 3)}`,
      latencyUs: rng.int(challenger ? 30_000 : 10_000),
      eventTimeMs: 1e12 + i * stepMs,
      receivedAtMs: 1e12 + i * stepMs,
    };
    const answer = (arm: string, version: string, propensity: number): ArrivedRow => {
      const u = rng.next();
      const status =
        u < 0.03 ? 'model_failed' : u < 0.04 ? 'cancelled' : u < 0.05 ? 'output_not_finite' : 'ok';
      return { ...common, arm, version, propensity, status, score: status === 'ok' ? rng.next() : null };
    };
    rows.push(challenger ? answer('challenger', '2', 0.3) : answer('champion', '1', 0.7));
    if (!challenger && rng.next() < 0.9) rows.push(answer('shadow', '2', 1));
    if (rng.next() < 0.7) add({ predictionId, value: rng.int(2), eventTimeMs: i });
    if (rng.next() < 0.1) add({ predictionId, value: rng.int(2), eventTimeMs: i + 1 });
    // Two that say another thing of the same time.
    if (rng.next() < 0.1) add({ predictionId, value: rng.int(2), eventTimeMs: i });
    if (rng.next() < 0.02) add({ predictionId, value: null, eventTimeMs: i + 2 });
  }
  return { rows, labels };
}

/** What is fed in the order of `rng`: labels before their rows, rows of later routes before those of earlier ones. */
function shuffled<T>(items: readonly T[], rng: Rng): T[] {
  return items
    .map((item) => ({ item, at: rng.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** A table of the rows with their labels, as the joined log has them. */
async function tableOf(rows: readonly ArrivedRow[], labels: readonly ArrivedLabel[]): Promise<string> {
  const last = new Map<string, ArrivedLabel>();
  for (const label of labels)
    if (label.eventTimeMs >= (last.get(label.predictionId)?.eventTimeMs ?? -1))
      last.set(label.predictionId, label);
  const lines = rows.map(({ cells, ...row }) =>
    JSON.stringify({
      replica: '',
      ...row,
      colour: cells?.[0],
      size: cells?.[1],
      label: last.get(row.predictionId)?.value ?? null,
    }),
  );
  const path = join(directory, 'rows.ndjson');
  await writeFile(path, lines.join('\n'));
  await frames.query(`CREATE OR REPLACE TABLE seen AS SELECT predictionId AS prediction_id, arm, version AS model_version, status,
    entity, routeVersion AS route_version, score, latencyUs AS latency_us, eventTimeMs AS event_time_ms,
    replica, receivedAtMs AS received_at_ms, bucket, propensity, label,
    colour AS "feature:colour", size::VARCHAR AS "feature:size"
    FROM read_json(${sqlLiteral(path)}, format = 'newline_delimited', columns = {predictionId: 'VARCHAR', replica: 'VARCHAR', arm: 'VARCHAR',
      version: 'VARCHAR', status: 'VARCHAR', entity: 'VARCHAR', routeVersion: 'BIGINT', score: 'DOUBLE', latencyUs: 'DOUBLE',
      eventTimeMs: 'BIGINT', receivedAtMs: 'BIGINT', bucket: 'INTEGER', propensity: 'DOUBLE', label: 'DOUBLE',
      colour: 'VARCHAR', size: 'DOUBLE'})`);
  return 'seen';
}

const rounded = (x: number): number => (Math.abs(x) < 1e-12 ? 0 : Number(x.toPrecision(11)));
const plain = (metrics: MetricMoments) =>
  Object.fromEntries(
    Object.entries(metrics).map(([name, m]) => [name, [m.n, rounded(m.mean), m.n === 0 ? 0 : rounded(m.m2)]]),
  );
const strataOf = (strata: readonly ArmStratum[]) =>
  strata
    // Copies are no draws of the split: it does not matter which of them are new.
    // Nor are they judged by outcomes of their own.
    .map((s) => ({
      ...s,
      ...(s.arm === 'shadow' ? { units: 0, failedUnits: 0, newUnits: 0 } : {}),
      // This is as a reading of the log has it.
      overdueUnits: 0,
      propensity: rounded(s.propensity),
      metrics: s.arm === 'shadow' ? {} : plain(s.metrics),
    }))
    .sort((a, b) => `${a.arm}${a.routeVersion}`.localeCompare(`${b.arm}${b.routeVersion}`));
const pairsOf = (pairs: readonly PairedMoments[]) =>
  pairs.map((p) => ({
    version: p.version,
    metrics: plain(p.metrics),
    inflation: Object.fromEntries(Object.entries(p.inflation).map(([k, x]) => [k, rounded(x)])),
  }));

const repeatsOf = (repeats: readonly ArmRepeats[]) =>
  repeats.map((r) => ({
    ...r,
    inflation: Object.fromEntries(Object.entries(r.inflation).map(([k, x]) => [k, rounded(x)])),
  }));

const latencyOf = (bands: readonly LatencyBand[]) =>
  bands.map((b) => `${b.arm}/${b.version}/${b.routeVersion}: ${b.n} ${b.value} (${b.low} to ${b.high})`);
const segmentsOf = (segments: readonly SegmentObservation[]) =>
  segments.map(({ feature, value, strata, repeats, pairs }) => ({
    feature,
    value,
    repeats: repeatsOf(repeats),
    pairs: pairsOf(pairs),
    strata: strata.map((s) => ({ ...s, metrics: plain(s.metrics) })),
  }));

const features = [
  { name: 'colour', type: 'VARCHAR' },
  { name: 'size', type: 'DOUBLE' },
];
/** The row with what it has of the plan's segments. Whole numbers first came as such; the log has one type for all. */
const inSegments = (row: ArrivedRow, { segments }: RolloutSpec) =>
  segments.map((name) => {
    const at = features.findIndex((feature) => feature.name === name);
    const cell = row.cells?.[at];
    const wasWhole = row.routeVersion < 7 && Number.isInteger(cell);
    return featureText(cell, wasWhole ? 'BIGINT' : (features[at]?.type ?? ''));
  });

suite('LiveObservation', () => {
  const read = (
    rows: readonly ArrivedRow[],
    labels: readonly ArrivedLabel[],
    spec: RolloutSpec,
    zeroBeforeMs?: number,
  ) =>
    observe(
      {
        read: async (_endpoint, _selection, work) => work(await tableOf(rows, labels)),
        features: async () => features.map(({ name }) => name),
        query: (sql) => frames.query(sql),
      },
      { endpoint: 'e', spec, sinceRouteVersion: 5, championVersion: '1', zeroBeforeMs },
    );

  const plans = {
    'log loss, with every other metric guarded': {
      maxLatencyP99Ms: 9,
      segments: ['colour', 'size', 'absent'],
      value: { truePositive: 3, falsePositive: -1, trueNegative: 0, falseNegative: -2 },
      guardrails: ['brier', 'accuracy', 'absoluteError', 'squaredError', 'outcome', 'value'].map(
        (metric) => ({
          metric,
          margin: 0.1,
        }),
      ),
    },
    'a value at another threshold': {
      metric: 'value',
      threshold: 0.2,
      value: { truePositive: 1, falsePositive: 2, trueNegative: 3, falseNegative: 4 },
    },
  };
  const bandit = { kind: 'bandit', arms: [{ arm: 'challenger', version: 2 }], segments: ['colour'] };
  const all = {
    ...plans,
    'rewards that expire': { ...bandit, metric: 'outcome', rewardAfter: '1d' },
    'the value of rewards that expire': {
      ...bandit,
      metric: 'value',
      rewardAfter: '1d',
      rewards: 'gaussian',
      value: { truePositive: 1, falsePositive: 2, trueNegative: 3, falseNegative: 4 },
    },
  };
  for (const [name, plan] of Object.entries(all)) {
    test(`says what the log says: ${name}`, async () => {
      const spec = specOf(plan);
      const rng = createRng(7);
      // Of seven days: pairs are judged over whole days.
      const { rows, labels } = history(rng, 1500, 400_000);
      const live = new LiveObservation(spec, 5);
      const steps = shuffled([...rows.map((row) => ({ row })), ...labels.map((label) => ({ label }))], rng);
      let zeroBeforeMs: number | undefined;
      for (const [i, step] of steps.entries()) {
        if ('row' in step) live.addRow(step.row, inSegments(step.row, spec));
        else live.addLabel(step.label);
        if (i % 100 !== 0) continue;
        // Event time goes on meanwhile: in the end half of the rows are old.
        zeroBeforeMs = zeroBeforeOf(spec, 1e12 + 86_400_000 + i * 100_000);
        if (zeroBeforeMs !== undefined) live.zeroBefore(zeroBeforeMs);
      }
      // Of labels with the same time the one that was received last counts, whenever it came here.
      const [found, now] = [await read(rows, labels, spec, zeroBeforeMs), live.observation(nothingObserved)];
      assert.deepEqual(strataOf(now.strata), strataOf(found.strata));
      assert.deepEqual(strataOf(now.shadows), strataOf(found.shadows));
      assert.deepEqual(pairsOf(now.pairs), pairsOf(found.pairs));
      assert.deepEqual(repeatsOf(now.repeats), repeatsOf(found.repeats));
      const again = found.repeats.map((r) => r.inflation[spec.metric] ?? 1);
      if (spec.kind === 'bandit') assert.ok(again.length > 0 && again.every((x) => x > 1), `${again}`);
      assert.deepEqual(latencyOf(now.latency), latencyOf(found.latency));
      assert.ok(found.latency.some((band) => band.low !== null));
      assert.deepEqual(segmentsOf(now.segments), segmentsOf(found.segments));
      assert.equal(found.segments.length, spec.segments.includes('size') ? 13 : 3 * spec.segments.length);
    });
  }

  test('a feature of very many values is left to the log, the others are not', () => {
    const spec = specOf({ segments: ['colour', 'size'] });
    const live = new LiveObservation(spec, 5);
    const { rows } = history(createRng(1), 1500);
    for (const [i, row] of rows.entries()) live.addRow({ ...row, routeVersion: 5 }, ['red', `${i}`]);
    const known: SegmentObservation = { feature: 'size', value: '7', strata: [], repeats: [], pairs: [] };
    const { segments } = live.observation({ ...nothingObserved, segments: [known] });
    assert.deepEqual(
      segments.map((s) => [s.feature, s.value, s.strata.length > 0]),
      [
        ['colour', 'red', true],
        ['size', '7', false],
      ],
    );
  });

  test('a feature that has just come is the text that the log will have', async () => {
    const rng = createRng(3);
    const doubles = [0, 1, -2.5, 0.1, 1e-4, 9.9e-5, 1.5e-7, 1e15, 123456789012345.6, 1e16, 3.14e20, 5e-324];
    for (let i = 0; i < 200; i++) doubles.push((rng.next() - 0.5) * 10 ** (rng.int(40) - 20));
    const rows = doubles.map((x) => `('${x}'::DOUBLE)`).join(', ');
    const found = await frames.query(`SELECT x::VARCHAR AS text FROM (VALUES ${rows}) AS t (x)`);
    assert.deepEqual(
      doubles.map((x) => featureText(x, 'DOUBLE')),
      found.map((row) => row.text),
    );
    const others = [
      featureText('ZRH', 'VARCHAR'),
      featureText(7, 'VARCHAR'),
      featureText(7, 'BIGINT'),
      featureText('7', 'BIGINT'),
      featureText(false, 'BOOLEAN'),
      featureText(null, 'VARCHAR'),
    ];
    assert.deepEqual(others, ['ZRH', '7', '7', '7', 'false', null]);
  });

  test('labels of predictions from before the rollout do not pile up', () => {
    const live = new LiveObservation(specOf({}), 5);
    for (let i = 0; i < 30_000; i++)
      live.addLabel({ predictionId: `old${i}`, value: 1, eventTimeMs: 1, seq: i });
    const row = (predictionId: string): ArrivedRow => ({
      predictionId,
      arm: 'champion',
      version: '1',
      routeVersion: 5,
      status: 'ok',
      score: 0.5,
      latencyUs: 1,
      eventTimeMs: 1,
      receivedAtMs: 1,
      entity: null,
      bucket: 1,
      propensity: 1,
      cells: null,
    });
    for (const id of ['old0', 'old29999']) live.addRow(row(id));
    assert.deepEqual([live.size, live.observation(nothingObserved).strata[0]?.labelled], [2, 1]);
  });

  test('requests that one arm has not answered yet are no split that lost them; lost ones are', async () => {
    const spec = specOf({ maxLatencyRatio: 1000 });
    const [champion, challenger] = [
      { arm: 'champion', version: '1' },
      { arm: 'challenger', version: '2' },
    ];
    const split = (seen: Parameters<typeof safety>[3]) =>
      safety(spec, champion, [challenger], seen).find(({ name }) => name === 'split')?.verdict;
    /** 500 requests a second; the challenger takes half a second. In the order in which they are logged. */
    const requests = (rng: Rng, lost: number): ArrivedRow[] =>
      Array.from({ length: 3000 }, (_, i) => {
        const [place, latencyUs] = rng.next() < 0.5 ? [challenger, 500_000] : [champion, 2000];
        const time = { latencyUs, eventTimeMs: 1e12 + 2 * i, receivedAtMs: 1e12 + 2 * i };
        const bucket = place === challenger && rng.next() < lost ? null : 7;
        const rest = { routeVersion: 5, status: 'ok', score: 0.5, propensity: 0.5, cells: null };
        return { predictionId: `p${i}`, entity: null, ...place, ...time, ...rest, bucket };
      }).toSorted((a, b) => a.receivedAtMs + a.latencyUs / 1000 - b.receivedAtMs - b.latencyUs / 1000);
    const live = new LiveObservation(spec, 5);
    const rows = requests(createRng(4), 0);
    for (const [i, row] of rows.entries()) {
      live.addRow(row);
      if (i % 100 === 0) assert.notEqual(split(live.observation(nothingObserved)), 'fail', `${i} requests`);
    }
    assert.equal(split(await read(rows.slice(0, 400), [], spec)), 'waiting');
    assert.equal(split(await read(rows, [], spec)), 'pass');
    const crooked = new LiveObservation(spec, 5);
    const crookedRows = requests(createRng(4), 0.25);
    for (const row of crookedRows) crooked.addRow(row);
    assert.equal(split(crooked.observation(nothingObserved)), 'fail');
    assert.equal(split(await read(crookedRows, [], spec)), 'fail');
  });

  test('an arm of which nothing is in the log is told of after a minute, whatever the others answered before', async () => {
    const spec = specOf({});
    const [champion, challenger] = [
      { arm: 'champion', version: '1' },
      { arm: 'challenger', version: '2' },
    ];
    const split = (seen: Parameters<typeof safety>[3]) =>
      safety(spec, champion, [challenger], seen).find(({ name }) => name === 'split');
    /** Two requests a second; the challenger's half is not logged. */
    const rows = Array.from({ length: 300 }, (_, i): ArrivedRow => {
      const time = { latencyUs: 2000, eventTimeMs: 1e12 + 500 * i, receivedAtMs: 1e12 + 500 * i };
      const rest = { routeVersion: 5, status: 'ok', score: 0.5, propensity: 0.5, cells: null, bucket: 7 };
      return { predictionId: `p${i}`, entity: `e${i}`, ...champion, ...time, ...rest };
    });
    const live = new LiveObservation(spec, 5);
    for (const row of rows.slice(0, 110)) live.addRow(row);
    assert.equal(split(live.observation(nothingObserved))?.verdict, 'waiting');
    const early = await read(rows.slice(0, 110), [], spec);
    assert.equal(split(early)?.verdict, 'waiting', 'it may take longer than a second');
    for (const row of rows.slice(110)) live.addRow(row);
    const found = await read(rows, [], spec);
    for (const told of [split(found), split(live.observation(found))]) {
      assert.equal(told?.verdict, 'fail');
      assert.match(
        told?.reason ?? '',
        /^\d+ entities were not split .*: challenger answered none of \d+ under route 5, where 50\.00 % are its share\. Replicas do not ask it/,
      );
    }
    const late = { ...rows[0], ...challenger, predictionId: 'late', entity: 'late', latencyUs: 90_000_000 };
    const slow = await read([...rows.slice(0, 200), late as ArrivedRow], [], spec);
    assert.notEqual(split(slow)?.verdict, 'fail');
  });

  test('each replica has an end of the log and a clock of its own', async () => {
    const spec = specOf({ maxLatencyRatio: 1000 });
    const arms = [
      { arm: 'champion', version: '1' },
      { arm: 'challenger', version: '2' },
    ] as const;
    const split = (seen: Parameters<typeof safety>[3]) =>
      safety(spec, arms[0], [arms[1]], seen).find(({ name }) => name === 'split')?.verdict;
    const row = (id: string, replica: string, arm: 0 | 1, receivedAtMs: number): ArrivedRow => ({
      predictionId: id,
      replica,
      ...arms[arm],
      receivedAtMs,
      eventTimeMs: receivedAtMs,
      entity: null,
      routeVersion: 5,
      status: 'ok',
      score: 0.5,
      propensity: 0.5,
      cells: null,
      bucket: 7,
      latencyUs: arm === 0 ? 2000 : 900_000,
    });
    const both = (from: number, to: number, replica: string, atMs: number) =>
      Array.from({ length: to - from }, (_, i) =>
        row(`${replica}${from + i}`, replica, i % 2 === 0 ? 0 : 1, atMs + 20 * i),
      );
    // The clock of one is an hour ahead. The other has just been asked 60 times, and half of it is still being answered.
    const rows = [
      ...both(0, 400, 'ahead', 1e12 + 3_600_000),
      ...both(0, 400, 'right', 1e12),
      ...Array.from({ length: 60 }, (_, i) => row(`burst${i}`, 'right', 0, 1e12 + 20 * 400 + i)),
    ];
    const live = new LiveObservation(spec, 5);
    for (const one of rows) live.addRow(one);
    const [now, found] = [live.observation(nothingObserved), await read(rows, [], spec)];
    assert.deepEqual([split(now), split(found)], ['pass', 'pass']);
    const units = (seen: typeof now) => seen.strata.map((s) => s.newUnits);
    assert.deepEqual(units(now), units(found));
    assert.ok(Math.max(...units(now)) < 400, 'what is not settled counts');
  });

  test('sees how much neighbours resemble each other before there are whole days', async () => {
    const spec = specOf({});
    const { rows: all, labels } = history(createRng(3), 3000);
    // Moods: the copies are worse for a while, then better.
    const rows = all.map((row, i) =>
      row.arm === 'shadow' && row.score !== null ? { ...row, score: 0.5 + 0.4 * Math.sin(i / 300) } : row,
    );
    const live = new LiveObservation(spec, 5);
    for (const row of rows) live.addRow(row);
    for (const label of labels) live.addLabel(label);
    const [found, now] = [await read(rows, labels, spec), live.observation(nothingObserved)];
    assert.deepEqual(pairsOf(now.pairs), pairsOf(found.pairs));
    assert.ok((now.pairs[0]?.inflation.logLoss ?? 0) > 1.5, 'the data have no moods');
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { createRng, type Rng } from '../../../core/rng.ts';
import type { ArrivedLabel, ArrivedRow } from '../../../lifecycle/feedback/index.ts';
import { Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import { createRolloutSchema, type RolloutSpec } from '../../contract.ts';
import type { ArmStratum, MetricMoments, PairedMoments } from '../../verdict/observation.ts';
import { observe } from '../../verdict/observe.ts';
import { LiveObservation } from './live-observation.ts';

const directory = await mkdtemp(join(tmpdir(), 'millrace-live-'));
const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '300MB', threads: 1 });
after(async () => {
  await frames.close();
  await rm(directory, { recursive: true, force: true });
});

const specOf = (plan: object): RolloutSpec =>
  createRolloutSchema.parse({ plan: { kind: 'canary', version: 2, ...plan }, reason: 'x' }).plan;

/** Requests of entities that come back, under three routes, with copies, failures, and labels that come late or change. */
function history(rng: Rng, count: number, stepMs = 1000) {
  const rows: ArrivedRow[] = [];
  const labels: ArrivedLabel[] = [];
  for (let i = 0; i < count; i++) {
    const predictionId = `p${i}`;
    const challenger = rng.next() < 0.3;
    const common = {
      ...{
        predictionId,
        routeVersion: 4 + Math.floor((4 * i) / count),
        bucket: rng.next() < 0.02 ? null : 7,
      },
      entity: rng.next() < 0.1 ? null : `e${rng.int(count / 3)}`,
      latencyUs: 10_000 * rng.next(),
      eventTimeMs: 1e12 + i * stepMs,
    };
    const answer = (arm: string, version: string, propensity: number): ArrivedRow => {
      const u = rng.next();
      const status =
        u < 0.03 ? 'model_failed' : u < 0.04 ? 'cancelled' : u < 0.05 ? 'output_not_finite' : 'ok';
      return { ...common, arm, version, propensity, status, score: status === 'ok' ? rng.next() : null };
    };
    rows.push(challenger ? answer('challenger', '2', 0.3) : answer('champion', '1', 0.7));
    if (!challenger && rng.next() < 0.9) rows.push(answer('shadow', '2', 1));
    if (rng.next() < 0.7) labels.push({ predictionId, value: rng.int(2), eventTimeMs: i });
    if (rng.next() < 0.1) labels.push({ predictionId, value: rng.int(2), eventTimeMs: i + 1 });
    if (rng.next() < 0.02) labels.push({ predictionId, value: null, eventTimeMs: i + 2 });
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
  const lines = rows.map((row) =>
    JSON.stringify({ ...row, label: last.get(row.predictionId)?.value ?? null }),
  );
  const path = join(directory, 'rows.ndjson');
  await writeFile(path, lines.join('\n'));
  await frames.query(`CREATE OR REPLACE TABLE seen AS SELECT predictionId AS prediction_id, arm, version AS model_version, status,
    entity, routeVersion AS route_version, score, latencyUs AS latency_us, eventTimeMs AS event_time_ms, bucket, propensity, label
    FROM read_json(${sqlLiteral(path)}, format = 'newline_delimited', columns = {predictionId: 'VARCHAR', arm: 'VARCHAR',
      version: 'VARCHAR', status: 'VARCHAR', entity: 'VARCHAR', routeVersion: 'BIGINT', score: 'DOUBLE', latencyUs: 'DOUBLE',
      eventTimeMs: 'BIGINT', bucket: 'INTEGER', propensity: 'DOUBLE', label: 'DOUBLE'})`);
  return 'seen';
}

const rounded = (x: number): number => Number(x.toPrecision(9));
const plain = (metrics: MetricMoments) =>
  Object.fromEntries(
    Object.entries(metrics).map(([name, m]) => [name, [m.n, rounded(m.mean), m.n === 0 ? 0 : rounded(m.m2)]]),
  );
const strataOf = (strata: readonly ArmStratum[]) =>
  strata
    // Copies are no draws of the split: it does not matter which of them are new.
    .map((s) => ({
      ...s,
      newUnits: s.arm === 'shadow' ? 0 : s.newUnits,
      propensity: rounded(s.propensity),
      metrics: plain(s.metrics),
    }))
    .sort((a, b) => `${a.arm}${a.routeVersion}`.localeCompare(`${b.arm}${b.routeVersion}`));
const pairsOf = (pairs: readonly PairedMoments[]) =>
  pairs.map((p) => ({
    ...{ version: p.version, metrics: plain(p.metrics) },
    inflation: Object.fromEntries(Object.entries(p.inflation).map(([k, x]) => [k, rounded(x)])),
  }));

suite('LiveObservation', () => {
  const read = (rows: readonly ArrivedRow[], labels: readonly ArrivedLabel[], spec: RolloutSpec) =>
    observe(
      {
        read: async (_endpoint, _selection, work) => work(await tableOf(rows, labels)),
        features: async () => [],
        query: (sql) => frames.query(sql),
      },
      { endpoint: 'e', spec, sinceRouteVersion: 5, sinceMs: 0, championVersion: '1' },
    );

  const plans = {
    'log loss, with every other metric guarded': {
      maxLatencyP99Ms: 9,
      value: { truePositive: 3, falsePositive: -1, trueNegative: 0, falseNegative: -2 },
      guardrails: ['brier', 'accuracy', 'absoluteError', 'squaredError', 'outcome', 'value'].map(
        (metric) => ({
          metric,
          margin: 0.1,
        }),
      ),
    },
    'a value at another threshold': {
      ...{ metric: 'value', threshold: 0.2 },
      value: { truePositive: 1, falsePositive: 2, trueNegative: 3, falseNegative: 4 },
    },
  };
  for (const [name, plan] of Object.entries(plans)) {
    test(`says what the log says: ${name}`, async () => {
      const spec = specOf(plan);
      const rng = createRng(7);
      // Of seven days: pairs are judged over whole days.
      const { rows, labels } = history(rng, 1500, 400_000);
      const live = new LiveObservation(spec, 5);
      const steps = [
        ...rows.map((row) => () => live.addRow(row)),
        ...labels.map((l) => () => live.addLabel(l)),
      ];
      for (const step of shuffled(steps, rng)) step();
      const [found, now] = [await read(rows, labels, spec), live.now];
      assert.deepEqual(strataOf(now.strata), strataOf(found.strata));
      assert.deepEqual(strataOf(now.shadows), strataOf(found.shadows));
      assert.deepEqual(pairsOf(now.pairs), pairsOf(found.pairs));
    });
  }

  test('labels of predictions from before the rollout do not pile up', () => {
    const live = new LiveObservation(specOf({}), 5);
    const label = (id: string) => ({ predictionId: id, value: 1, eventTimeMs: 1 });
    for (let i = 0; i < 30_000; i++) live.addLabel(label(`old${i}`));
    const row = (predictionId: string): ArrivedRow => ({
      ...{ predictionId, arm: 'champion', version: '1', routeVersion: 5, status: 'ok', score: 0.5 },
      ...{ latencyUs: 1, eventTimeMs: 1, entity: null, bucket: 1, propensity: 1 },
    });
    for (const id of ['old0', 'old29999']) live.addRow(row(id));
    assert.deepEqual([live.size, live.now.strata[0]?.labelled], [2, 1]);
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
    const [found, now] = [await read(rows, labels, spec), live.now];
    assert.deepEqual(pairsOf(now.pairs), pairsOf(found.pairs));
    assert.ok((now.pairs[0]?.inflation.logLoss ?? 0) > 1.5, 'the data have no moods');
  });
});

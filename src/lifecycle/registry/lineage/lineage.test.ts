import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { refused, tester } from '../../experiments/testing.ts';
import type { Lineage } from '../contract/lineage.ts';
import { openRegistry } from '../testing.ts';
import type { LineageDeployment } from './ports.ts';
import { createLineage } from './service.ts';

const digest = (n: number) => `sha256:${String(n).repeat(64)}` as const;
const flights = {
  id: 'd-3',
  title: 'flights v3',
  digest: digest(9),
  rows: 1200,
  registeredAt: '2026-01-01T00:00:00.000Z',
};

/** `a → b: how`, sorted, with the ids' own names. */
function arrows(lineage: Lineage, names: Readonly<Record<string, string>> = {}): readonly string[] {
  const short = (id: string) => {
    const key = id.slice(id.indexOf(':') + 1);
    return names[key] ?? key;
  };
  return lineage.edges.map(({ from, to, label }) => `${short(from)} → ${short(to)}: ${label}`).sort();
}

forEachDatabase((dialect, open) => {
  test(`${dialect}: a version's data, run, model, copies and deployments, and down again from the data`, async (t) => {
    const { db, registry, tracking } = await openRegistry(t, open);
    const deployed: LineageDeployment[] = [];
    const lineage = createLineage({
      db,
      experiments: tracking,
      ports: {
        dataset: async (_, reference) =>
          [flights.id, flights.digest].includes(reference) ? flights : undefined,
        graphParts: async (graph) => (graph === digest(5) ? [digest(1), digest(4)] : []),
        deployments: async (_, model) => (model === 'late' ? deployed : []),
      },
    });
    const about = { experimentId: '0', userId: 'ada', startTimeMs: 1, tags: [] };
    const base = await tracking.models.create(tester, {
      experimentId: '0',
      name: 'base',
      modelType: '',
      sourceRunId: '',
      params: [],
      tags: [],
    });
    const run = await tracking.runs.create(tester, { ...about, name: 'train' });
    const dataset = { sourceType: 'code', source: 'x', schema: null, profile: null };
    await tracking.logging.inputs(tester, run.id, {
      datasets: [
        {
          dataset: { ...dataset, name: 'weather', digest: 'w1' },
          tags: [{ key: 'mlflow.data.context', value: 'training' }],
        },
        { dataset: { ...dataset, name: 'airports', digest: 'a1' }, tags: [] },
      ],
      modelIds: [base.id],
    });
    const model = await tracking.models.create(tester, {
      experimentId: '0',
      name: 'm',
      modelType: '',
      sourceRunId: run.id,
      params: [],
      tags: [],
    });
    await registry.createModel(tester, { name: 'late', tags: [] });
    const made = { name: 'late', source: `models:/${model.id}`, modelId: model.id, tags: [] };
    await registry.registerVersion(tester, made);
    await registry.createVersion(tester, {
      name: 'late',
      digest: digest(1),
      modelId: model.id,
      datasetVersionId: flights.id,
      datasetDigest: flights.digest,
    });
    await registry.createModel(tester, { name: 'copy', tags: [] });
    await registry.registerVersion(tester, { name: 'copy', source: 'models:/late/1', tags: [] });
    await registry.createModel(tester, { name: 'alone', tags: [] });
    await registry.registerVersion(tester, { name: 'alone', source: 's3://b/m', tags: [] });
    const arm = { endpoint: 'delays', version: '1', digest: digest(1) };
    deployed.push(
      { ...arm, arm: 'challenger', weight: 0.125 },
      { ...arm, endpoint: 'night', version: '7', arm: 'shadow', weight: null },
      { ...arm, version: '2', digest: digest(2), arm: 'champion', weight: 0.875 },
    );

    const names = { [run.id]: 'run', [model.id]: 'model', [base.id]: 'base', [flights.digest]: 'flights' };
    const up = await lineage.ofVersion(tester, 'late', 1);
    assert.equal(up.subject, 'model-version:late/1');
    const ancestry = [
      'a1 → run: input',
      'base → run: input',
      'flights → run: training',
      'late/1 → copy/1: copied',
      'late/1 → delays: challenger 12.5 %',
      'late/1 → night: shadow',
      'model → late/1: registered',
      'run → model: logged',
      'w1 → run: training',
    ];
    assert.deepEqual(arrows(up, names), ancestry);
    const node = up.nodes.find(({ kind, digest: d }) => kind === 'dataset' && d === flights.digest);
    assert.deepEqual(
      [node?.title, node?.reference, node?.facts],
      ['flights v3', 'd-3', [{ name: 'rows', value: '1200' }]],
    );
    const weather = up.nodes.find(({ title }) => title === 'weather');
    assert.deepEqual([weather?.reference, weather?.digest], [null, 'w1']);
    assert.equal(up.nodes.find(({ id }) => id === up.subject)?.digest, digest(1));

    // What was judged, and the version that was trained once more on all rows after it.
    await registry.createVersion(tester, { name: 'late', digest: digest(2), modelId: model.id });
    await registry.setVersionTag(tester, 'late', 2, { key: 'millrace.refitOf', value: '1' });
    const refit = 'late/1 → late/2: refit';
    assert.ok(arrows(await lineage.ofVersion(tester, 'late', 1), names).includes(refit));
    const refitted = arrows(await lineage.ofVersion(tester, 'late', 2), names);
    assert.ok(refitted.includes(refit));
    assert.ok(refitted.includes('run → model: logged'));

    // A graph of two packages, of which one has no version of its own.
    await registry.createVersion(tester, { name: 'alone', digest: digest(5) });
    const graph = arrows(await lineage.ofVersion(tester, 'alone', 2), names);
    assert.deepEqual(
      graph.filter((a) => a.includes('alone/2')),
      ['late/1 → alone/2: part'],
    );
    assert.ok(graph.includes('flights → run: training'));

    const copied = await lineage.ofVersion(tester, 'copy', 1);
    assert.equal(copied.subject, 'model-version:copy/1');
    assert.deepEqual(
      arrows(copied, names)
        .filter((a) => a.includes('copy/1'))
        .sort(),
      ['late/1 → copy/1: copied', 'model → copy/1: registered'],
    );
    for (const reference of [flights.id, flights.digest, 'w1']) {
      const down = await lineage.ofDataset(tester, reference);
      const found = arrows(down, names);
      assert.equal(down.subject, reference === 'w1' ? 'dataset:w1' : `dataset:${flights.digest}`);
      for (const arrow of [...ancestry, 'model → copy/1: registered'])
        assert.ok(found.includes(arrow), arrow);
      assert.equal(down.isCut, false);
    }
    const none = await lineage.ofDataset(tester, "x' OR 1 = 1");
    assert.deepEqual([none.nodes.length, none.edges.length], [1, 0]);
    assert.deepEqual((await lineage.ofVersion(tester, 'alone', 1)).edges, []);
    await assert.rejects(lineage.ofVersion(tester, 'alone', 3), refused('version_unknown'));
    await assert.rejects(lineage.ofVersion(tester, 'none', 1), refused('version_unknown'));
  });
});

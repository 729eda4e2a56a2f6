// Finds predictions in a log of millions, a tenth of them labelled, in wall time and processor time: by ids that grow with time (ours), by ids that do not
// (a caller's), by entity, by time; and the predictions of labels that come by entity and time.
//   node bench/prediction-log.ts [rows, default 10 million] [directory, default a temporary one]
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRng } from '../src/core/rng.ts';
import { predictionLogColumns } from '../src/lifecycle/serving/contract.ts';
import { convertRecords } from '../src/platform/segments/convert-records.ts';
import { RowBytes } from '../src/platform/segments/index.ts';
import { openFeedback } from './support/feedback.ts';
import { median, processorMs } from './support/index.ts';

const actor = { kind: 'user', id: 'bench' } as const;
const total = Number(process.argv[2] ?? 10_000_000);
const directory = process.argv[3] ?? (await mkdtemp(join(tmpdir(), 'millrace-bench-log-')));
const perSegment = 50_000;
const startMs = Date.UTC(2026, 0, 1);
const stepMs = 400;

// The frame engine does not keep a process running by itself.
const running = setInterval(() => undefined, 60_000);
const { db, blobs, frames, service } = await openFeedback(directory);

/** Row `i`: every other id grows with time as a UUIDv7 does, the others are a hash. */
function idOf(i: number): string {
  if (i % 2 === 1) return createHash('md5').update(`caller-${i}`).digest('hex');
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  return `${hex(startMs + i * stepMs, 12)}-7${hex(i % 4096, 3)}-8000-${hex(i, 12)}`;
}

const features = 10;
const columns = [
  ...predictionLogColumns,
  ...['region', ...Array.from({ length: features }, (_, f) => `x${f}`)].map((name, index) => ({
    name: `feature:${name}`,
    type: name === 'region' ? 'VARCHAR' : 'DOUBLE',
    list: { member: 'features', index },
  })),
];
const random = createRng(7);

/** What every row's columns hold, in the order of `predictionLogColumns`. */
function writeBenchRow(to: RowBytes, i: number): void {
  to.text(idOf(i));
  to.text('bench');
  to.text(`e${(i * 7919) % 1_000_003}`);
  to.number(startMs + i * stepMs);
  to.number(startMs + i * stepMs + 5);
  to.text('m');
  to.text('1');
  to.number(1);
  to.text(i % 1000 === 0 ? 'challenger' : 'champion');
  to.number(7);
  to.number(1);
  to.boolean(true);
  to.text('0123456789ab');
  to.null(); // Overridden by nobody.
  to.text('ok');
  to.null(); // No error.
  to.number(900);
  to.number(random.next());
  to.text('{"y":0.5}');
  for (let missing = 0; missing < 3; missing++) to.null();
  to.list(features + 1);
  to.text(`r${(i * 31) % 100}`);
  for (let f = 0; f < features; f++) to.number(random.next());
}

/** Segments as replicas send them: written in records and made Parquet by what makes it there. */
async function fill(): Promise<void> {
  const have = (await service.predictionSegments(actor, { endpoint: 'bench' })).reduce(
    (n, s) => n + s.rows,
    0,
  );
  const [source, target] = [join(directory, 'segment.rows'), join(directory, 'segment.parquet')];
  const bytes = new RowBytes();
  for (let from = have; from < total; from += perSegment) {
    const to = Math.min(total, from + perSegment);
    const id = `s${String(from).padStart(12, '0')}`;
    bytes.cut();
    for (let i = from; i < to; i++) writeBenchRow(bytes, i);
    await writeFile(source, [`${JSON.stringify({ segment: id, columns })}\n`, bytes.block(to - from)]);
    const steps = convertRecords({ source, columns, target, timeColumn: 'event_time_ms' });
    for (let step = steps.next(); !step.done; ) step = steps.next();
    const { digest } = await blobs.put(createReadStream(target));
    await service.registerSegment(actor, {
      id,
      endpoint: 'bench',
      digest,
      rows: to - from,
      minEventTimeMs: startMs + from * stepMs,
      maxEventTimeMs: startMs + (to - 1) * stepMs,
    });
  }
  await rm(source, { force: true });
  await rm(target, { force: true });
}

/** Labels for every tenth row. */
async function label(): Promise<void> {
  if ((await service.labelSegments(actor, 'bench')).length > 0) return;
  const atOnce = 10_000;
  for (let from = 0; from < total; from += atOnce * 10) {
    const rows = Array.from(
      { length: Math.ceil(Math.min(total - from, atOnce * 10) / 10) },
      (_, n) => from + n * 10,
    );
    const labels = rows.map((i) => ({
      predictionId: idOf(i),
      value: (i / 10) % 2,
      eventTime: startMs + i * stepMs + 1000,
    }));
    await service.postLabels(actor, { endpoint: 'bench', labels });
  }
  await service.flush('bench');
}

async function measure(what: string, rounds: number, look: (row: number) => Promise<unknown>): Promise<void> {
  const rng = createRng(11);
  const times: number[] = [];
  const costs: number[] = [];
  for (let i = 0; i < rounds + 3; i++) {
    const [begin, cost] = [performance.now(), processorMs()];
    await look(rng.int(total));
    if (i < 3) continue;
    times.push(performance.now() - begin);
    costs.push(processorMs() - cost);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(1);
  console.log(
    `${what.padEnd(42)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms; processor p50 ${median(costs).toFixed(1)} ms`,
  );
}

const spread = createRng(12);

async function measureAll(state: string): Promise<void> {
  const segments = await service.predictionSegments(actor, { endpoint: 'bench' });
  console.log(`\n${state}: ${total.toLocaleString('en-US')} rows in ${segments.length} segments`);
  const look = (row: number) => service.prediction(actor, idOf(row), 'bench');
  await measure('by id, grows with time (ours)', 40, (row) => look(row - (row % 2)));
  await measure("by id, anything (a caller's)", 40, (row) => look(Math.min(total - 1, row | 1)));
  await measure('an id that is not there', 40, (row) =>
    service.prediction(actor, `nobody-${row}`, 'bench').catch(() => undefined),
  );
  const list = (filter: object) =>
    service.predictions(actor, { endpoint: 'bench', ...filter }, 50, undefined);
  await measure('newest 50', 20, () => list({}));
  const entityOf = (row: number): string => `e${(row * 7919) % 1_000_003}`;
  const timeOf = (row: number): number => startMs + row * stepMs;
  await measure('by entity, newest 50', 40, (row) => list({ entity: entityOf(row) }));
  await measure('by entity, in a month', 40, (row) =>
    list({ entity: entityOf(row), to: new Date(startMs + 31 * 86_400_000).toISOString() }),
  );
  await measure('an entity that is not there', 40, (row) => list({ entity: `nobody-${row}` }));
  await measure('wrong answers of an entity', 20, (row) => list({ entity: entityOf(row), outcome: 'wrong' }));
  await measure('a label by entity and time finds its own', 20, async (row) => {
    const label = { entity: entityOf(row), at: timeOf(row), value: 1, eventTime: timeOf(row) + 1000 };
    await service.postLabels(actor, { endpoint: 'bench', labels: [label] });
    await service.labels.matchAll();
  });
  await measure('fifty labels by entity, of any time', 5, async () => {
    const labels = Array.from({ length: 50 }, () => spread.int(total)).map((row) => ({
      entity: entityOf(row),
      at: timeOf(row),
      value: 1,
      eventTime: timeOf(row) + 1000,
    }));
    await service.postLabels(actor, { endpoint: 'bench', labels });
    await service.labels.matchAll();
  });
  await measure('newest 50 wrong answers', 5, () => list({ outcome: 'wrong' }));
  await measure('an hour, newest 50', 20, (row) => {
    const at = startMs + Math.floor(row * stepMs * 0.99);
    return list({ from: new Date(at).toISOString(), to: new Date(at + 3_600_000).toISOString() });
  });
  await measure('a rare arm, newest 50', 10, () => list({ arm: 'challenger' }));
  await measure('scores in a thousandth, newest 50', 10, () => list({ minScore: 0.5, maxScore: 0.501 }));
  await measure('a segment of a hundredth, newest 50', 10, () => list({ feature: 'region', value: 'r42' }));
  await measure('labels by day of a month, not from memory', 3, () =>
    service.labels.byDay(actor, { endpoint: 'bench', days: 30, fresh: true }),
  );
}

try {
  let begin = performance.now();
  const took = (what: string) => {
    console.log(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    begin = performance.now();
  };
  await fill();
  took('filled');
  await label();
  took('labelled');
  await service.upkeep.indexNow();
  took('indexed');
  await measureAll('as shipped');
  begin = performance.now();
  const { compacted } = await service.compact(actor);
  took(`${compacted} segments compacted`);
  await measureAll('by day');
  console.log(`\nmemory ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
} finally {
  await service.close();
  await frames.close();
  await db.close();
  if (!process.argv[3]) await rm(directory, { recursive: true, force: true });
}
clearInterval(running);

// What a look at a large rollout costs: the judge's reading of a log of a million requests, of half a million copies, and of
// labels for seven of ten: the first one, which reads everything, and later ones, between which a file came.
//   node bench/rollout-look.ts [requests, default 1 million] [directory, default a temporary one] [segments: judge one too]
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolloutLog } from '../src/compose/rollout-deps.ts';
import { createRolloutSchema } from '../src/loop/contract.ts';
import { observe } from '../src/loop/index.ts';
import { sqlLiteral } from '../src/platform/frames/index.ts';
import { openFeedback } from './support/feedback.ts';

const actor = { kind: 'user', id: 'bench' } as const;
const endpoint = 'bench';
const total = Number(process.argv[2] ?? 1_000_000);
const directory = process.argv[3] ?? (await mkdtemp(join(tmpdir(), 'millrace-bench-look-')));
const segments = process.argv[4] === 'segments' ? ['carrier'] : [];
const perSegment = 20_000;
const stepMs = 500;
const startMs = Date.UTC(2026, 0, 1);
const looks = 5;

// The frame engine does not keep a process running by itself.
const running = setInterval(() => undefined, 60_000);
const { db, blobs, frames, service } = await openFeedback(directory);

/** Entities come twice, half of them are the champion's, and each of its requests is copied. */
function rowsSql(from: number, to: number, isCopy: boolean): string {
  const entity = `hash(i) % ${Math.ceil(total / 2)}`;
  const isChampion = `hash(${entity}) % 2 = 0`;
  const features = Array.from({ length: 9 }, (_, f) => `random() AS "feature:x${f}"`).join(', ');
  return `SELECT md5('id-' || i) AS prediction_id, '${endpoint}' AS endpoint, 'e' || (${entity}) AS entity,
      ${startMs} + i * ${stepMs} AS event_time_ms, ${startMs} + i * ${stepMs} + 5 AS received_at_ms, 'm' AS model,
      ${isCopy ? `'2'` : `CASE WHEN ${isChampion} THEN '1' ELSE '2' END`} AS model_version,
      (4 + (i * 4) // ${total})::BIGINT AS route_version,
      ${isCopy ? `'shadow'` : `CASE WHEN ${isChampion} THEN 'champion' ELSE 'challenger' END`} AS arm, 7 AS bucket,
      ${isCopy ? 1 : 0.5}::DOUBLE AS propensity, true AS sticky,
      CASE WHEN random() < 0.001 THEN 'model_failed' ELSE 'ok' END AS status, NULL::VARCHAR AS error,
      (500 + 1000 * random())::BIGINT AS latency_us, 0.3 + 0.2 * random() + 0.3 * (hash(i) % 100) / 100 AS score,
      '{"probability":[' || random() || ']}' AS outputs, NULL::VARCHAR AS flags, ${features},
      'c' || (hash(i) % 6) AS "feature:carrier"
    FROM range(${from}, ${to}) r(i) ${isCopy ? `WHERE ${isChampion}` : ''}`;
}

async function fill(to: number): Promise<void> {
  const have = (await service.predictionSegments(actor, { endpoint })).length;
  const path = join(directory, 'segment.parquet');
  for (let from = have * perSegment; from < to; from += perSegment) {
    const next = from + perSegment;
    await frames.query(
      `COPY (${rowsSql(from, next, false)} UNION ALL ${rowsSql(from, next, true)}) TO ${sqlLiteral(path)}
       (FORMAT parquet, COMPRESSION zstd)`,
    );
    const [counted] = await frames.query(`SELECT count(*) AS n FROM read_parquet(${sqlLiteral(path)})`);
    const { digest } = await blobs.put(createReadStream(path));
    await service.registerSegment(actor, {
      id: `s${String(from).padStart(12, '0')}`,
      endpoint,
      digest,
      rows: Number(counted?.n),
      minEventTimeMs: startMs + from * stepMs,
      maxEventTimeMs: startMs + (next - 1) * stepMs,
    });
    const found = await frames.query(
      `SELECT md5('id-' || i) AS id, i FROM range(${from}, ${next}) r(i) WHERE hash(i + 3) % 10 < 7`,
    );
    const labels = found.map(({ id, i }) => ({
      predictionId: id as string,
      value: Number(i) % 3 === 0 ? 1 : 0,
      eventTime: startMs + Number(i) * stepMs + 1000,
    }));
    for (let at = 0; at < labels.length; at += 10_000)
      await service.postLabels(actor, { endpoint, labels: labels.slice(at, at + 10_000) });
    await service.flush(endpoint);
  }
  await rm(path, { force: true });
}

/** Seconds of processor that the frame engine, the only child, has used so far. Linux only. */
function engineSeconds(): number {
  const [child] = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ');
  const fields = readFileSync(`/proc/${child}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const log = rolloutLog(service, frames);
const { plan: spec } = createRolloutSchema.parse({
  plan: { kind: 'canary', version: 2, segments },
  reason: 'bench',
});

try {
  await fill(total);
  const count = (list: readonly { readonly rows: number }[]) => list.reduce((sum, { rows }) => sum + rows, 0);
  const rows = count(await service.predictionSegments(actor, { endpoint }));
  const labels = count(await service.labelSegments(actor, endpoint));
  console.log(`${rows.toLocaleString('en-US')} rows, ${labels.toLocaleString('en-US')} labels`);
  const have = (await service.predictionSegments(actor, { endpoint })).length;
  for (let i = 0; i <= looks; i++) {
    if (i > 0) await fill((have + i) * perSegment);
    const [begin, usedBefore] = [performance.now(), engineSeconds()];
    await observe(log, { endpoint, spec, sinceRouteVersion: 4, sinceMs: startMs, championVersion: '1' });
    const what =
      i === 0 ? 'the first look' : `a look after ${perSegment.toLocaleString('en-US')} more requests`;
    const seconds = (performance.now() - begin) / 1000;
    console.log(
      `${what}: ${seconds.toFixed(2)} s, ${(engineSeconds() - usedBefore).toFixed(2)} s of processor`,
    );
  }
} finally {
  await service.close();
  await frames.close();
  await db.close();
  if (!process.argv[3]) await rm(directory, { recursive: true, force: true });
}
clearInterval(running);

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonAnswer } from './http/answer.ts';
import { endedAnswers, statisticsOfAll, summedMetrics, summedStatistics } from './peers.ts';

test('metrics of two processes: counts are added, versions are not, what one alone has is in its place', () => {
  const one = `# HELP rows_total Rows
# TYPE rows_total counter
rows_total{endpoint="a b",status="ok"} 3

# HELP time Seconds
# TYPE time histogram
time_bucket{le="+Inf"} 2
time_sum 0.5
time_count 2

# TYPE routes_version gauge
routes_version 7

# TYPE process_max_fds gauge
process_max_fds 100
`;
  const two = one
    .replace('rows_total{endpoint="a b",status="ok"} 3', 'rows_total{endpoint="c",status="ok"} 4')
    .replace('routes_version 7', 'routes_version 6');
  assert.equal(
    summedMetrics([one, two]),
    `# HELP rows_total Rows
# TYPE rows_total counter
rows_total{endpoint="a b",status="ok"} 3
rows_total{endpoint="c",status="ok"} 4

# HELP time Seconds
# TYPE time histogram
time_bucket{le="+Inf"} 4
time_sum 1
time_count 4

# TYPE routes_version gauge
routes_version 7

# TYPE process_max_fds gauge
process_max_fds 200
`,
  );
});

test('of processes that ended the counts remain, of gauges nothing', () => {
  const of = (rows: number) => ({
    status: 200,
    contentType: 'text/plain',
    body: `# HELP rows_total Rows
# TYPE rows_total counter
rows_total{status="ok"} ${rows}

# HELP memory_bytes Memory
# TYPE memory_bytes gauge
memory_bytes 5

# HELP time Seconds
# TYPE time histogram
time_bucket{le="+Inf"} 1
time_sum 0.25
time_count 1
`,
  });
  const ended = endedAnswers['/metrics'];
  const { body } = ended(ended(undefined, of(3)), of(4));
  const live = '# HELP memory_bytes Memory\n# TYPE memory_bytes gauge\nmemory_bytes 6\n';
  assert.equal(
    summedMetrics([live, String(body)]),
    `# HELP memory_bytes Memory
# TYPE memory_bytes gauge
memory_bytes 6

# HELP rows_total Rows
# TYPE rows_total counter
rows_total{status="ok"} 7

# HELP time Seconds
# TYPE time histogram
time_bucket{le="+Inf"} 2
time_sum 0.5
time_count 2
`,
  );
});

test('a sum does not depend on the order of its parts', () => {
  const texts = [0.1, 0.7, 0.3].map((seconds) => `time_sum ${seconds}\n`);
  assert.notEqual(0.1 + 0.7 + 0.3, 0.3 + 0.7 + 0.1);
  assert.equal(summedMetrics(texts), summedMetrics(texts.toReversed()));
});

test('statistics of two processes: times and counts are added by version and batch size', () => {
  const of = (version: string, count: number, last: number, sizes: readonly number[]) => ({
    name: 'm',
    version,
    last_inference: last,
    inference_stats: { success: { count, ns: 10 * count } },
    batch_stats: sizes.map((batch_size) => ({ batch_size, compute_infer: { count: 1, ns: 5 } })),
  });
  const sum = summedStatistics([
    { model_stats: [of('1', 2, 50, [1, 8])] },
    { model_stats: [of('1', 3, 40, [4, 8]), of('2', 1, 60, [])] },
  ]);
  assert.deepEqual(sum.model_stats[0], {
    name: 'm',
    version: '1',
    last_inference: 50,
    inference_stats: { success: { count: 5, ns: 50 } },
    batch_stats: [
      { batch_size: 1, compute_infer: { count: 1, ns: 5 } },
      { batch_size: 4, compute_infer: { count: 1, ns: 5 } },
      { batch_size: 8, compute_infer: { count: 2, ns: 10 } },
    ],
  });
  assert.equal(sum.model_stats.length, 2);
});

test('statistics of processes that ended remain, of versions that are still served', async () => {
  const of = (...counts: readonly [string, number][]) => ({
    model_stats: counts.map(([version, inference_count]) => ({ name: 'm', version, inference_count })),
  });
  const ended = endedAnswers['/v2/models/stats'];
  const answer = (...counts: readonly [string, number][]) => jsonAnswer(200, of(...counts));
  const kept = ended(ended(undefined, answer(['1', 2], ['2', 3])), answer(['2', 4]));
  const peers = { get: async () => [kept, answer(['2', 10]), answer(['2', 20], ['3', 1])] };
  assert.deepEqual(await statisticsOfAll(peers, of(['2', 10], ['4', 0])), of(['2', 37], ['4', 0]));
});

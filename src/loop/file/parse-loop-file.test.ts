import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../core/errors.ts';
import { rolloutSpecSchema } from '../contract.ts';
import { parseLoopFile } from './parse-loop-file.ts';
import { banditPlanOf, planOf } from './plan-of.ts';

const good = `# Flights
loop: flight-delay
data:
  source: january.parquet
  time: date
  entity: flight_id
  label: { column: late, delay: 6h }
train:
  run: python train.py --data \${data}
  params:
    trees: 100
evaluate:
  gates:
    - { metric: auc, min: 0.65 }
    - { metric: logLoss, against: champion, margin: 0 }
improve:
  retrain: { on: [drift, schedule], schedule: 0 0 1 * *, cooldown: 7d }
`;

/** The problems that a file is refused for. */
function problemsOf(text: string): readonly string[] {
  try {
    parseLoopFile(text);
  } catch (error) {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, 'loop_file_invalid');
    return (error.params.issues as { problem: string }[]).map((issue) => issue.problem);
  }
  return assert.fail('the file was accepted');
}

test('a good file is read and its defaults are filled in', () => {
  const file = parseLoopFile(good);
  assert.equal(file.loop, 'flight-delay');
  assert.equal(file.train.timeout, '30m');
  assert.deepEqual(file.deploy.canary.steps, [1, 10, 50, 100]);
  assert.equal(file.data.split.holdout, 0.2);
});

test('JSON is read as well', () => {
  assert.deepEqual(parseLoopFile(JSON.stringify(parseLoopFile(good))), parseLoopFile(good));
});

test('an unknown key is refused with its line and the key that was meant', () => {
  assert.deepEqual(problemsOf(good.replace('  params:', '  parms:')), [
    'loop.yaml:10: train.parms: unknown key; did you mean "params"?',
  ]);
  assert.deepEqual(problemsOf(`${good}quux: 1\n`), [
    'loop.yaml:18: quux: unknown key; the known keys are loop, data, train, evaluate, deploy, monitor, improve, business',
  ]);
});

test('a wrong unit is refused with what to write instead', () => {
  assert.deepEqual(problemsOf(good.replace('delay: 6h', 'delay: 5 flights')), [
    'loop.yaml:7: data.label.delay: "5 flights" is not a duration; write a number with a unit, e.g. 30m, 6h or 7d',
  ]);
  assert.deepEqual(problemsOf(good.replace('cooldown: 7d', 'cooldown: 7')), [
    'loop.yaml:17: improve.retrain.cooldown: 7 is not a duration; write a number with a unit, e.g. 30m, 6h or 7d',
  ]);
});

test('a missing key is reported at the block that lacks it', () => {
  assert.deepEqual(problemsOf(good.replace('  time: date\n', '')), [
    'loop.yaml:3: data.time: is missing; expected text',
  ]);
});

test('a gate on an unknown metric names those that are known', () => {
  const [problem] = problemsOf(good.replace('metric: auc', 'metric: auk'));
  assert.match(
    problem ?? '',
    /^loop\.yaml:14: evaluate\.gates\[0\]: unknown metric "auk"; the known metrics are auc, /,
  );
});

test('a cause without its number, a number without its cause, and a bad cron line', () => {
  assert.deepEqual(problemsOf(good.replace('schedule: 0 0 1 * *, ', '')), [
    'loop.yaml:17: improve.retrain.schedule: is missing; "on" has schedule, e.g. schedule: 0 0 1 * *',
  ]);
  assert.deepEqual(problemsOf(good.replace('cooldown: 7d', 'labels: 100')), [
    'loop.yaml:17: improve.retrain.labels: is never used; add labels to "on"',
  ]);
  assert.match(problemsOf(good.replace('0 0 1 * *', 'monthly'))[0] ?? '', /"monthly" is not a cron/);
});

test('canary steps must grow and end with 100', () => {
  const steps = (text: string) => problemsOf(`${good}deploy: { canary: { steps: ${text} } }\n`)[0];
  assert.equal(steps('[1, 50]'), 'loop.yaml:18: deploy.canary.steps: the last step must be 100');
  assert.equal(
    steps('[50, 10, 100]'),
    'loop.yaml:18: deploy.canary.steps: the steps must grow, e.g. [1, 10, 50, 100]',
  );
});

test('a rollout that could only be aborted is refused, as are times that nobody waits for', () => {
  const deploy = (text: string) => problemsOf(`${good}deploy: ${text}\n`);
  assert.deepEqual(deploy('{ canary: { steps: [0.001, 100], minTime: 8d } }'), [
    'loop.yaml:18: deploy.canary.steps[0]: expected at least 0.01 (percent of the traffic), not 0.001',
    'loop.yaml:18: deploy.canary.maxTime: expected more time than the plan needs (2 steps of minTime "8d", after a shadow of minTime "0s"), not "14d": it would be aborted',
  ]);
  assert.deepEqual(deploy('{ shadow: { minTime: 4000d } }'), [
    'loop.yaml:18: deploy.shadow.minTime: expected at most 3650d, not "4000d"',
  ]);
  assert.deepEqual(deploy('{ bandit: { minTime: 20d } }'), [
    'loop.yaml:18: deploy.bandit.maxTime: expected more time than the plan needs (minTime is "20d", after a shadow of minTime "0s"), not "14d": it would be aborted',
  ]);
  assert.deepEqual(deploy('{ shadow: { minTime: 15d }, bandit: {} }'), [
    'loop.yaml:18: deploy.bandit.maxTime: expected more time than the plan needs (minTime is "0s", after a shadow of minTime "15d"), not "14d": it would be aborted',
  ]);
  const long = parseLoopFile(`${good}deploy: { shadow: { minTime: 15d }, bandit: { maxTime: 30d } }\n`);
  assert.equal(planOf(long, 2).maxTime, '30d', 'nor does the shadow end before it');
  assert.deepEqual(problemsOf(good.replace('delay: 6h', 'delay: 9999d')), [
    'loop.yaml:7: data.label.delay: expected at most 3650d, not "9999d"',
  ]);
});

test('what a rollout refuses is told at its key of the file', () => {
  const deploy = (text: string) => problemsOf(`${good}deploy: ${text}\n`);
  const twice = '{ metric: brier, margin: 0.1 }, { metric: brier, margin: 0.2 }';
  assert.deepEqual(deploy(`{ guardrails: { metrics: [${twice}] }, segments: [airport, airport] }`), [
    'loop.yaml:18: deploy.segments[1]: expected each feature once, not "airport" again',
    'loop.yaml:18: deploy.guardrails.metrics[1].metric: expected each metric once, with one margin, not "brier" again',
  ]);
  const margin = 'lies between 0 and 1, so any version would pass; 0.02 are two percentage points';
  assert.deepEqual(deploy('{ verdict: { metric: accuracy, margin: 2 } }'), [
    `loop.yaml:18: deploy.verdict.margin: expected less than 1, not 2: accuracy ${margin}`,
  ]);
  assert.deepEqual(deploy('{ bandit: { every: 0s } }'), [
    'loop.yaml:18: deploy.bandit.every: expected more than no time, e.g. 10m, not "0s"',
  ]);
});

test('a rollout asks for what its metrics need', () => {
  const deploy = (text: string) => problemsOf(`${good}deploy: ${text}\n`);
  assert.deepEqual(deploy('{ verdict: { metric: value } }'), [
    'loop.yaml:18: deploy.verdict.metric: is "value"; say under business.value what decisions are worth',
  ]);
  assert.deepEqual(deploy('{ bandit: { reward: accuracy }, verdict: { metric: logLoss } }'), [
    'loop.yaml:18: deploy.verdict.metric: is "logLoss", but a bandit is judged by its reward, "accuracy"',
  ]);
  const worth = '{ value: { truePositive: 5, falsePositive: -1, trueNegative: 0, falseNegative: -3 } }';
  assert.deepEqual(deploy(`{ bandit: { reward: value } }\nbusiness: ${worth}`), [
    'loop.yaml:18: deploy.bandit.rewards: is beta, for rewards between 0 and 1; the reward "value" needs gaussian',
  ]);
  const file = parseLoopFile(
    `${good}deploy: { bandit: { reward: value, rewards: gaussian }, segments: [airport] }\nbusiness: ${worth}\n`,
  );
  const plan = banditPlanOf(file, 7);
  assert.deepEqual([plan?.metric, plan?.value?.truePositive, plan?.segments], ['value', 5, ['airport']]);
  assert.equal(rolloutSpecSchema.safeParse(plan).success, true);
  assert.equal(rolloutSpecSchema.safeParse(planOf(file, 7)).success, true);
});

test('every problem is reported, in the order of the lines', () => {
  const text = good
    .replace('  time: date\n', '')
    .replace('delay: 6h', 'delay: soon')
    .replace('trees', 'my trees');
  assert.deepEqual(
    problemsOf(text).map((problem) => problem.split(':')[1]),
    ['3', '6', '10'],
  );
});

test('text that is not YAML, and a repeated key, are refused with their line', () => {
  assert.match(problemsOf('loop: [1, 2')[0] ?? '', /^loop\.yaml:1: /);
  assert.match(problemsOf(`${good}loop: again\n`)[0] ?? '', /^loop\.yaml:18: .*unique/);
  assert.match(problemsOf('')[0] ?? '', /^loop\.yaml:1: /);
});

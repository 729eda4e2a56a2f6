import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../../platform/log/index.ts';
import { localFrames } from '../../../platform/segments/testing.ts';
import { defaultEndpointOptions, type EndpointOptions, predictionLogColumns } from '../contract.ts';
import type { EndpointState } from './endpoint-state.ts';
import { hashKeyPrint } from './log-policy.ts';
import type { LoggedRow } from './log-row.ts';
import { PredictionLogs } from './prediction-logs.ts';

const stateOf = (options: EndpointOptions) => {
  const route = { endpoint: 'flights', model: 'delay', routeVersion: 1, salt: 's', options };
  return { route, logColumns: predictionLogColumns } as unknown as EndpointState;
};
const rowOf = (predictionId: string) => {
  const row = { predictionId, status: 'ok', bucket: null, override: null, entity: null, error: null };
  const empty = { arm: null, outputs: null, flags: null, cells: null, score: 1, latencyUs: 1 };
  return { ...row, ...empty, eventTimeMs: 1, receivedAtMs: 1 } as unknown as LoggedRow;
};

test('a control that was started again is sent the rows of the open segment that the one before knew', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-logs-'));
  let known = '';
  const logs = await PredictionLogs.open({
    directory,
    frames: await localFrames(),
    logger: createLogger('test', 'silent'),
    ship: async () => {},
    sendRows: async (_, lines) => {
      known += lines;
    },
    limits: { maxRows: 1000, maxSizeBytes: 1_000_000, maxAgeMs: 60_000 },
  });
  t.after(async () => {
    await logs.close();
    await rm(directory, { recursive: true });
  });
  await logs.ensure('flights');
  const state = stateOf(defaultEndpointOptions);
  const append = (predictionId: string) => logs.append(state, [rowOf(predictionId)]);
  const until = async (id: string) => {
    while (!known.includes(`"${id}"`)) await sleep(5);
  };
  logs.follow(['flights']);
  await append('a');
  await until('a');
  known = '';
  logs.controlIsBack();
  await append('b');
  logs.follow(['flights']);
  await until('b');
  assert.match(known, /"a".*\n.*"b"/, 'what the process before was told is told again');
});

test('while the key that fields are hashed with cannot be had, rows are refused, and taken when it can', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-logs-'));
  let isThere = false;
  const logs = await PredictionLogs.open({
    directory,
    frames: await localFrames(),
    logger: createLogger('test', 'silent'),
    ship: async () => {},
    limits: { maxRows: 1000, maxSizeBytes: 1_000_000, maxAgeMs: 60_000 },
    hashKey: () => {
      if (!isThere) throw new Error('the disk is full');
      return 'key';
    },
  });
  t.after(async () => {
    await logs.close();
    await rm(directory, { recursive: true });
  });
  await logs.ensure('flights');
  const { log } = defaultEndpointOptions;
  const state = stateOf({ ...defaultEndpointOptions, log: { ...log, hash: ['entity'] } });
  assert.equal(logs.hashKeyPrint, null);
  const refused = logs.append(state, [rowOf('a')]);
  await assert.rejects(refused, {
    code: 'prediction_log_unavailable',
    message: /hashed with.*the disk is full/,
  });
  isThere = true;
  await logs.append(state, [rowOf('b')]);
  assert.equal(logs.hashKeyPrint, hashKeyPrint('key'));
});

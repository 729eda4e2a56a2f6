import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../../platform/log/index.ts';
import { localFrames } from '../../../platform/segments/testing.ts';
import { defaultEndpointOptions, predictionLogColumns } from '../contract.ts';
import type { EndpointState } from './endpoint-state.ts';
import type { LoggedRow } from './log-row.ts';
import { PredictionLogs } from './prediction-logs.ts';

test('a control that was started again is sent the rows of the open segment that the one before knew', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-logs-'));
  let known = '';
  const logs = await PredictionLogs.open({
    ...{ directory, frames: await localFrames(), logger: createLogger('test', 'silent') },
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
  const route = {
    ...{ endpoint: 'flights', model: 'delay', routeVersion: 1, salt: 's', options: defaultEndpointOptions },
  };
  const state = { route, logColumns: predictionLogColumns } as unknown as EndpointState;
  const append = (predictionId: string) => {
    const row = { predictionId, status: 'ok', bucket: null, override: null, entity: null, error: null };
    const empty = { arm: null, outputs: null, flags: null, cells: null, score: 1, latencyUs: 1 };
    return logs.append(state, [
      { ...row, ...empty, eventTimeMs: 1, receivedAtMs: 1 } as unknown as LoggedRow,
    ]);
  };
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

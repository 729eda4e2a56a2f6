import type { DuckDBValue } from '@duckdb/node-api';
import { z } from 'zod';
import { errorMessage } from '../../core/error-message.ts';
import { giveWay } from './give-way.ts';
import { openDuckdb } from './open-duckdb.ts';
import type { FramesReply, FramesRequest } from './protocol.ts';

/**
 * The frame engine's own process: DuckDB behind messages. It holds no state between queries but the attached
 * functions of DuckDB itself, so it may be killed and started again at any time.
 */
// From the first moment: a parent that ends while the engine is opened must not leave this process behind.
process.on('disconnect', () => process.exit(0));
// Ctrl-C, the end of a terminal and systemd's stop reach all processes; the parent decides when this one ends.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});

if (process.argv[3] === 'background') giveWay();

const settings = z.record(z.string(), z.string()).parse(JSON.parse(process.argv[2] ?? '{}'));
const instance = await openDuckdb(settings);
const running = new Map<number, { interrupt(): void }>();

function plain(value: DuckDBValue | unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (value instanceof Date) return value.getTime();
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, plain(v)]));
  }
  return value;
}

async function answer(request: FramesRequest): Promise<FramesReply> {
  const { id } = request;
  if (request.type === 'cancel') {
    running.get(request.target)?.interrupt();
    return { id, ok: true, names: [], columns: [] };
  }
  try {
    const connection = await instance.connect();
    running.set(id, connection);
    try {
      const reader = await connection.runAndReadAll(request.sql, request.parameters as DuckDBValue[]);
      const columns = reader.getColumnsJS().map((column) => column.map(plain));
      return { id, ok: true, names: reader.deduplicatedColumnNames(), columns };
    } finally {
      running.delete(id);
      connection.closeSync();
    }
  } catch (error) {
    return { id, ok: false, problem: errorMessage(error) };
  }
}

process.on('message', (request: FramesRequest) => {
  void answer(request).then((reply) => process.send?.(reply));
});

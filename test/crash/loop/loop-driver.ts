import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Loop, Turn } from '../../../src/loop/index.ts';
import { Frames, sqlLiteral } from '../../../src/platform/frames/index.ts';
import type { TestServer } from '../../support/server.ts';

const dayMs = 86_400_000;

/** One row of the made-up airline: late with a chance that distance and hour decide. */
export interface Row {
  readonly id: string;
  readonly timeMs: number;
  readonly distance: number;
  readonly hour: number;
  readonly late: boolean;
}

/** A made-up airline with `perDay` flights a day; the same every time. */
export function flights(fromMs: number, days: number, perDay: number): readonly Row[] {
  return Array.from({ length: days * perDay }, (_, i) => {
    const noise = (salt: string) =>
      createHash('sha256').update(`${fromMs}/${i}/${salt}`).digest().readUInt32BE() / 2 ** 32;
    const distance = 100 + 1900 * noise('distance');
    const hour = Math.floor(24 * noise('hour'));
    const odds = Math.exp(-2 + distance / 700 + (hour - 12) / 8);
    return {
      id: `${fromMs}-${i}`,
      timeMs: fromMs + Math.floor((i / perDay) * dayMs),
      distance,
      hour,
      late: noise('late') < odds / (1 + odds),
    };
  });
}

/** Drives a loop of a running server as an airline's system would, and rides out its crashes. */
export class LoopDriver {
  readonly #server: Pick<TestServer, 'url' | 'serveUrl' | 'dataDirectory'>;
  readonly #name: string;
  /** Rows that were acknowledged. */
  sent = 0;

  constructor(server: Pick<TestServer, 'url' | 'serveUrl' | 'dataDirectory'>, name: string) {
    this.#server = server;
    this.#name = name;
  }

  async call<T>(path: string, body?: unknown): Promise<T> {
    const init =
      body === undefined
        ? {}
        : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(this.#server.url + path, init);
    const answer = (await response.json()) as T & { detail?: string };
    if (!response.ok) throw new Error(`${path}: ${response.status} ${answer.detail}`);
    return answer;
  }

  /** Registers the first rows and applies the loop file beside this one, in replay. */
  async apply(rows: readonly Row[], file: (text: string) => string = (text) => text): Promise<void> {
    const path = join(this.#server.dataDirectory, 'flights.parquet');
    await writeRows(rows, path);
    const roles = { time: 'date', entity: 'flight_id', label: 'late' };
    const source = { path, format: 'parquet' };
    await this.call('/api/v1/dataset-versions', { dataset: 'flights', source, ...roles });
    const lastMs = rows.at(-1)?.timeMs ?? 0;
    await this.call(`/api/v1/watermarks/${this.#name}`, {
      mode: 'replay',
      to: new Date(lastMs).toISOString(),
    });
    const script = readFileSync(join(import.meta.dirname, 'train.py'));
    const digest = `sha256:${createHash('sha256').update(script).digest('hex')}`;
    await fetch(`${this.#server.url}/api/v1/blobs/${digest}`, { method: 'PUT', body: script });
    const text = file(readFileSync(join(import.meta.dirname, 'loop.yaml'), 'utf8'));
    await this.call('/api/v1/loops', { text, files: [{ path: 'train.py', digest }] });
  }

  loop(): Promise<Loop> {
    return this.call(`/api/v1/loops/${this.#name}`);
  }

  turn(number: number): Promise<Turn> {
    return this.call(`/api/v1/turns/${encodeURIComponent(`${this.#name}/${number}`)}`);
  }

  /** Waits until the loop has nothing more to do; calls `seen` with each state on the way. */
  async settle(seen: (loop: Loop) => Promise<void> = async () => {}, timeoutMs = 600_000): Promise<Loop> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const loop = await this.loop();
      await seen(loop);
      if (loop.idle) return loop;
      if (performance.now() > deadlineMs) throw new Error(`not idle: ${JSON.stringify(loop.pending)}`);
      await sleep(20);
    }
  }

  /** Sends requests and their labels, and then says that all up to the last is in. */
  async replay(rows: readonly Row[]): Promise<void> {
    for (let from = 0; from < rows.length; from += 50) {
      await Promise.all(rows.slice(from, from + 50).map((row) => this.#predict(row)));
    }
    const labels = rows.map((row) => ({
      predictionId: row.id,
      value: row.late,
      eventTime: new Date(row.timeMs).toISOString(),
    }));
    await this.call('/api/v1/labels', { endpoint: this.#name, labels });
    const to = new Date((rows.at(-1)?.timeMs ?? 0) + 1).toISOString();
    await this.call(`/api/v1/watermarks/${this.#name}`, { to });
  }

  async #predict(row: Row): Promise<void> {
    const input = (name: string, value: number) => ({ name, shape: [1, 1], datatype: 'FP64', data: [value] });
    const body = {
      id: row.id,
      parameters: { entity: row.id, event_time: row.timeMs },
      inputs: [input('distance', row.distance), input('hour', row.hour)],
    };
    const response = await fetch(`${this.#server.serveUrl}/v2/models/${this.#name}/infer`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`prediction: ${response.status} ${await response.text()}`);
    await response.json();
    this.sent += 1;
  }
}

/** Writes rows as Parquet. */
async function writeRows(rows: readonly Row[], path: string): Promise<void> {
  const frames = new Frames({ temporaryDirectory: '/tmp', memoryLimit: '256MB', threads: 1 });
  const values = rows
    .map((r) => `(make_timestamp(${r.timeMs * 1000}), '${r.id}', ${r.distance}, ${r.hour}, ${r.late})`)
    .join(',');
  await frames.query(
    `COPY (SELECT * FROM (VALUES ${values}) t(date, flight_id, distance, hour, late)) TO ${sqlLiteral(path)} (FORMAT parquet)`,
  );
  await frames.close();
}

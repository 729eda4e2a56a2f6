import type { DatasetVersion } from '../../../src/lifecycle/data/contract.ts';
import type { Loop } from '../../../src/loop/contract.ts';
import type { Api } from './api.ts';
import { dayMs, type Flights, januaryMs } from './flights.ts';
import type { Narrator } from './narrator.ts';
import { type Incident, loopName } from './replay.ts';
import type { Server } from './server.ts';

/** Reasons by which the injected turns are known. */
export const injected = {
  shuffled: 'injected: trained on shuffled labels',
  clock12: 'injected: a batch export wrote the hour of a 12-hour clock',
} as const;

export function isInjected(reason: string): boolean {
  return Object.values<string>(injected).includes(reason);
}

/** The two bad candidates, on the first quiet day from the middle of March and of April on. */
export function incidents(api: Api, flights: Flights, narrator: Narrator): readonly Incident[] {
  const quiet = (loop: Loop) => loop.activeTurn === null;
  const trigger = (reason: string, overrides: Record<string, unknown>) =>
    api.post(`/api/v1/loops/${loopName}/trigger`, { reason, overrides });
  return [
    {
      fromMs: Date.UTC(2001, 2, 15),
      when: quiet,
      async run() {
        narrator.say('✂ injecting a bad candidate: the same script, its labels shuffled');
        await trigger(injected.shuffled, { params: { 'permute-labels': 1 } });
      },
    },
    {
      fromMs: Date.UTC(2001, 3, 15),
      when: quiet,
      async run(nowMs) {
        narrator.say(
          '✂ injecting a bad candidate: its rows come from an export with the hours of a 12-hour clock',
        );
        // As many rows as the loop itself has, so that only the clock is wrong: days whose outcomes are known. Rows to
        // train and to judge on have the same mistake, so the gates see none.
        const path = await flights.write('clock12.parquet', januaryMs, nowMs - 2 * dayMs, 'hour % 12');
        const { version } = await api.post<{ version: DatasetVersion }>('/api/v1/dataset-versions', {
          dataset: 'flights-export',
          source: { path, format: 'parquet' },
          time: 'date',
          entity: 'flight_id',
          label: 'late',
        });
        await trigger(injected.clock12, { datasetVersion: version.id });
      },
    },
  ];
}

export interface Killed {
  readonly control: number;
  readonly serve: number;
  readonly backAfterMs: number;
}

/** Kills control and serve once, while flights ask for predictions and a challenger has traffic (or in June). */
export class KillOnce {
  readonly #server: Server;
  readonly #narrator: Narrator;
  #killed: Promise<Killed> | undefined;

  constructor(server: Server, narrator: Narrator) {
    this.#server = server;
    this.#narrator = narrator;
  }

  /** Called in the middle of requests; says whether it has happened. */
  maybe(nowMs: number, loop: Loop): boolean {
    const { activeTurn: turn } = loop;
    const challenged = turn?.state === 'canary' && !isInjected(turn.trigger.reason);
    if (nowMs < earliestMs || !(challenged || nowMs > latestMs)) return this.#killed !== undefined;
    this.#killed ??= this.#kill();
    return true;
  }

  /** What was killed and how long it was away; null when it never came to that. */
  async result(): Promise<Killed | null> {
    return (await this.#killed) ?? null;
  }

  async #kill(): Promise<Killed> {
    const beganMs = performance.now();
    const pids = this.#server.killRoles();
    this.#narrator.say(
      `☠ kill -9 of control (${pids.control}) and serve (${pids.serve}) with requests under way`,
    );
    await this.#server.ready();
    const backAfterMs = performance.now() - beganMs;
    this.#narrator.say(
      `  both are back after ${(backAfterMs / 1000).toFixed(1)} s; what got no answer is asked again`,
    );
    return { ...pids, backAfterMs };
  }
}

const earliestMs = Date.UTC(2001, 2, 20);
const latestMs = Date.UTC(2001, 5, 1);

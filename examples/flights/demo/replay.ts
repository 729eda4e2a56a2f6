import { setTimeout as sleep } from 'node:timers/promises';
import { formatTime } from '../../../src/core/time.ts';
import type { Loop } from '../../../src/loop/contract.ts';
import type { Api } from './api.ts';
import type { FlightEndpoint } from './endpoint.ts';
import { dayMs, type Flight, type Flights, replayFromMs, replayToMs } from './flights.ts';
import { type DueLabel, LabelQueue, reportsOf } from './labels.ts';
import type { Ledger } from './ledger.ts';
import type { Narrator } from './narrator.ts';

export const loopName = 'flight-delay';

const sliceMs = dayMs / 4;
const labelsPerPost = 5000;
const pollMs = 40;
const idlePatienceMs = 180_000;

/** Something that happens once, at the end of the first day from `fromMs` on which `when` holds. */
export interface Incident {
  readonly fromMs: number;
  when(loop: Loop): boolean;
  run(nowMs: number): Promise<void>;
}

interface ReplayParts {
  readonly api: Api;
  readonly endpoint: FlightEndpoint;
  readonly flights: Flights;
  readonly ledger: Ledger;
  readonly narrator: Narrator;
  readonly total: number;
  readonly incidents: readonly Incident[];
  /** Called in the middle of a slice's requests while a roll-out is under way, until it says that it is done. */
  readonly midway: (nowMs: number, loop: Loop) => boolean;
}

/**
 * Replays February to June as if live: each quarter of a day the requests of its flights, then the outcomes that
 * have become known. Event time is advanced at the end of each day, and of each quarter while a challenger is
 * shadowed; the replay goes on when the loop has dealt with everything up to there.
 */
export class Replay {
  readonly #parts: ReplayParts;
  readonly #queue = new LabelQueue();
  readonly #incidents: Incident[];
  #loop: Loop;
  #midwayDone = false;
  #requestMs = 0;

  constructor(parts: ReplayParts, loop: Loop) {
    this.#parts = parts;
    this.#loop = loop;
    this.#incidents = [...parts.incidents];
  }

  /** Wall time in which requests were under way, milliseconds. */
  get requestMs(): number {
    return this.#requestMs;
  }

  async run(): Promise<Loop> {
    for (let dayStart = replayFromMs; dayStart < replayToMs; dayStart += dayMs) {
      const flights = await this.#parts.flights.between(dayStart, dayStart + dayMs);
      this.#parts.ledger.expect(flights);
      for (let from = dayStart; from < dayStart + dayMs; from += sliceMs) {
        const to = from + sliceMs;
        await this.#ask(
          flights.filter((flight) => flight.departureMs >= from && flight.departureMs < to),
          to,
        );
        await this.#report(this.#queue.takeUntil(to));
        const dayEnds = to === dayStart + dayMs;
        if (dayEnds || this.#loop.activeTurn?.state === 'shadow') await this.#settle(to);
      }
      await this.#runIncidents(dayStart + dayMs);
    }
    return this.#loop;
  }

  /** Reports the outcomes that are still on their way. */
  async reportRest(): Promise<void> {
    await this.#report(this.#queue.takeUntil(Number.POSITIVE_INFINITY));
  }

  async #ask(flights: readonly Flight[], nowMs: number): Promise<void> {
    const { endpoint, ledger } = this.#parts;
    const beganMs = performance.now();
    const half = Math.floor(flights.length / 2);
    let answered = 0;
    await endpoint.ask(flights, (flight, answer) => {
      ledger.record(flight, answer);
      for (const label of reportsOf(flight)) this.#queue.add(label);
      if (++answered === half && !this.#midwayDone) {
        this.#midwayDone = this.#parts.midway(nowMs, this.#loop);
      }
      this.#showProgress(nowMs);
    });
    this.#requestMs += performance.now() - beganMs;
  }

  async #report(due: readonly DueLabel[]): Promise<void> {
    const { api, ledger } = this.#parts;
    for (let i = 0; i < due.length; i += labelsPerPost) {
      const part = due.slice(i, i + labelsPerPost);
      const labels = part.map(({ flight, dueMs }) => ({
        predictionId: flight.id,
        value: flight.late,
        eventTime: dueMs,
      }));
      await api.post('/api/v1/labels', { endpoint: loopName, labels });
      ledger.countReports(part.map(({ flight }) => flight.id));
    }
  }

  async #settle(nowMs: number): Promise<void> {
    const { api, narrator } = this.#parts;
    await api.post(`/api/v1/watermarks/${loopName}`, { to: formatTime(lastInstant(nowMs)) });
    this.#loop = await waitUntilIdle(api, narrator, (loop) => {
      this.#loop = loop;
      this.#showProgress(nowMs);
    });
  }

  async #runIncidents(nowMs: number): Promise<void> {
    const [next] = this.#incidents;
    if (!next || nowMs < next.fromMs || nowMs >= replayToMs || !next.when(this.#loop)) return;
    this.#incidents.shift();
    await next.run(nowMs);
    await this.#settle(nowMs);
  }

  #showProgress(nowMs: number): void {
    const { ledger, narrator, total } = this.#parts;
    const { activeTurn, championVersion, pending } = this.#loop;
    const rate = Math.round(ledger.answered / Math.max(0.001, this.#requestMs / 1000));
    const turn = activeTurn ? `, turn ${activeTurn.number} ${activeTurn.state}` : '';
    const work = pending[0] ? ` (${workText(pending[0])})` : '';
    narrator.progress(
      ledger.answered / total,
      `${formatTime(nowMs - 1).slice(0, 10)}  ${ledger.answered.toLocaleString('en-US')} requests` +
        `${this.#requestMs > 0 ? ` at ${rate.toLocaleString('en-US')}/s` : ''}  champion v${championVersion}${turn}${work}`,
    );
  }
}

/** What the loop is busy with, without the ids. */
export function workText({ what }: Loop['pending'][number]): string {
  return what.replace(/ [0-9a-f-]{36}/g, '');
}

/**
 * Waits until the loop has nothing left to do at its watermark, and tells what its turns do meanwhile.
 *
 * @throws when a turn fails, or nothing ends for three minutes
 */
export async function waitUntilIdle(
  api: Api,
  narrator: Narrator,
  onLook: (loop: Loop) => void,
): Promise<Loop> {
  let giveUpMs = performance.now() + idlePatienceMs;
  let before = '';
  for (;;) {
    const loop = await api.get<Loop>(`/api/v1/loops/${loopName}`);
    onLook(loop);
    const turn = loop.activeTurn ?? loop.lastTurn;
    const now = JSON.stringify([loop.pending, turn?.id, turn?.state, turn?.reason]);
    if (now !== before) {
      giveUpMs = performance.now() + idlePatienceMs;
      await narrator.tellTurns(api, loop);
    }
    before = now;
    if (turn?.state === 'failed') {
      throw new Error(`turn ${turn.number} failed: ${turn.reason}. See ${api.url}/turns/${turn.id}`);
    }
    if (loop.idle) return loop;
    if (performance.now() > giveUpMs) {
      throw new Error(`the loop has stood still for 3 minutes, waiting for ${loop.waitsFor} (${now})`);
    }
    await sleep(pollMs);
  }
}

/** The replay's last watermark stays short of July, so that July's schedule does not begin. */
function lastInstant(nowMs: number): number {
  return nowMs >= replayToMs ? replayToMs - 1 : nowMs;
}

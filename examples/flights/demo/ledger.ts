import type { Answer } from './endpoint.ts';
import { dayMs, type Flight, replayFromMs } from './flights.ts';

/** The demo's own books: what was asked and answered, against which the server's counts are checked. */
export class Ledger {
  /** In order of departure, as the flights are replayed. */
  readonly labels: Uint8Array;
  readonly scores: Float64Array;
  readonly versions: Uint16Array;
  /** Days since the replay began. */
  readonly days: Uint16Array;
  readonly months: Uint8Array;
  readonly #positions = new Map<string, number>();
  readonly #reported = new Set<string>();
  /** Reports of outcomes, repeated ones counted. */
  reports = 0;
  answered = 0;

  constructor(size: number) {
    this.labels = new Uint8Array(size);
    this.scores = new Float64Array(size).fill(Number.NaN);
    this.versions = new Uint16Array(size);
    this.days = new Uint16Array(size);
    this.months = new Uint8Array(size);
  }

  /** Makes room for flights, in the order of their departure. */
  expect(flights: readonly Flight[]): void {
    for (const flight of flights) {
      const position = this.#positions.size;
      this.#positions.set(flight.id, position);
      this.labels[position] = flight.late;
      this.days[position] = Math.floor((flight.departureMs - replayFromMs) / dayMs);
      this.months[position] = new Date(flight.departureMs).getUTCMonth() + 1;
    }
  }

  record(flight: Flight, answer: Answer): void {
    const position = this.#positions.get(flight.id);
    if (position === undefined) throw new Error(`flight ${flight.id} was answered, but never expected`);
    this.scores[position] = answer.score;
    this.versions[position] = answer.modelVersion;
    this.answered++;
  }

  /** Flights with at least one report of their outcome. */
  get reported(): number {
    return this.#reported.size;
  }

  countReports(ids: readonly string[]): void {
    this.reports += ids.length;
    for (const id of ids) this.#reported.add(id);
  }

  /** Ids and positions of `count` flights, evenly spread. */
  spotChecks(count: number): readonly { readonly id: string; readonly position: number }[] {
    const every = Math.max(1, Math.floor(this.#positions.size / count));
    return [...this.#positions].filter((_, i) => i % every === 0).map(([id, position]) => ({ id, position }));
  }

  /** Number of answers that a model version gave. */
  answersOf(version: number): number {
    let n = 0;
    for (const v of this.versions) if (v === version) n++;
    return n;
  }
}

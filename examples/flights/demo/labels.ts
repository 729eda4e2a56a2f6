import { createRng } from '../../../src/core/rng.ts';
import { dayMs, type Flight } from './flights.ts';

const hourMs = 3_600_000;

/** What an airline's reporting does to outcomes; shares of the flights. */
export const neverShare = 0.02;
export const lateShare = 0.04;
export const twiceShare = 0.01;

/** An outcome on its way: it becomes known at `dueMs`. */
export interface DueLabel {
  readonly flight: Flight;
  readonly dueMs: number;
}

/**
 * When the outcome of a flight is reported: two to eight hours after arrival as a rule, three to five days after
 * for some, again a day later for a few, never for others. Drawn from the flight's row alone, so every run is equal.
 */
export function reportsOf(flight: Flight): readonly DueLabel[] {
  const rng = createRng(flight.row);
  const luck = rng.next();
  if (luck < neverShare) return [];
  const delayMs =
    luck < neverShare + lateShare ? (3 + 2 * rng.next()) * dayMs : (2 + 6 * rng.next()) * hourMs;
  const dueMs = Math.round(flight.arrivalMs + delayMs);
  const first = { flight, dueMs };
  return rng.next() < twiceShare ? [first, { flight, dueMs: dueMs + dayMs }] : [first];
}

/** Outcomes that wait for their time. */
export class LabelQueue {
  readonly #byHour = new Map<number, DueLabel[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(label: DueLabel): void {
    const hour = Math.floor(label.dueMs / hourMs);
    const due = this.#byHour.get(hour);
    if (due) due.push(label);
    else this.#byHour.set(hour, [label]);
    this.#size++;
  }

  /** Takes out what is due before `nowMs` (a full hour; Infinity for all), in order of time. */
  takeUntil(nowMs: number): readonly DueLabel[] {
    const hours = [...this.#byHour.keys()]
      .filter((hour) => (hour + 1) * hourMs <= nowMs)
      .sort((a, b) => a - b);
    const due = hours.flatMap((hour) => this.#byHour.get(hour) ?? []);
    for (const hour of hours) this.#byHour.delete(hour);
    this.#size -= due.length;
    return due.sort((a, b) => a.dueMs - b.dueMs);
  }
}

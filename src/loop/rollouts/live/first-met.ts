import { Column } from './columns.ts';
import type { LiveSlices, LiveStratum } from './live-slices.ts';

/**
 * Counts each entity where it was met first under a split: in every stratum of the lowest such route that it was met
 * under.
 */
export class FirstMet {
  readonly #rows: LiveSlices;
  /** By entity; 0: not met yet. */
  readonly #firstRoute = new Column('int', 0);
  /** By unit of the rows: 1 where it counts or counted. */
  readonly #met = new Column('byte', 0);

  constructor(rows: LiveSlices) {
    this.#rows = rows;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#firstRoute.bytes + this.#met.bytes;
  }

  /**
   * @param who the entity's number; -1: the request was nobody's
   * @param unit of the entity in this stratum
   */
  meet(who: number, stratum: LiveStratum, unit: number): void {
    if (who < 0) {
      stratum.newUnits++;
      return;
    }
    const { routeVersion } = stratum;
    const before = this.#firstRoute.get(who) || Number.POSITIVE_INFINITY;
    if (routeVersion > before) return;
    if (routeVersion < before) {
      // Rows of an earlier route may come later.
      for (const other of this.#rows.strataOfRoute(before)) {
        const there = this.#rows.findUnit(who, other);
        if (other.arm !== 'shadow' && there >= 0 && this.#met.get(there) === 1) other.newUnits--;
      }
      this.#firstRoute.set(who, routeVersion);
    }
    if (this.#met.get(unit) === 1) return;
    this.#met.set(unit, 1);
    stratum.newUnits++;
  }
}

import { Column } from './columns.ts';
import { HashIndex, hash53 } from './hash-index.ts';
import type { LiveSlices, LiveStratum } from './live-slices.ts';

/** Counts each entity where it was met first: in every stratum of the lowest route that it was met under. */
export class FirstMet {
  readonly #rows: LiveSlices;
  readonly #entities = new HashIndex();
  readonly #firstRoute = new Column('int', 0);
  /** By unit of the rows: 1 where it counts or counted. */
  readonly #met = new Column('int', 0);

  constructor(rows: LiveSlices) {
    this.#rows = rows;
  }

  /** @param unit of the entity in this stratum */
  meet(entity: string | null, stratum: LiveStratum, unit: number): void {
    if (entity === null) {
      stratum.newUnits++;
      return;
    }
    const { routeVersion } = stratum;
    const key = hash53(entity);
    const known = this.#entities.find(key);
    const before = known < 0 ? Number.POSITIVE_INFINITY : this.#firstRoute.get(known);
    if (routeVersion > before) return;
    if (routeVersion < before) {
      // Rows of an earlier route may come later.
      for (const other of this.#rows.strataOfRoute(before)) {
        const there = this.#rows.findUnit(entity, other);
        if (other.arm !== 'shadow' && there >= 0 && this.#met.get(there) === 1) other.newUnits--;
      }
      this.#firstRoute.set(this.#entities.add(key), routeVersion);
    }
    if (this.#met.get(unit) === 1) return;
    this.#met.set(unit, 1);
    stratum.newUnits++;
  }
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** Where the flights of vega-datasets are, relative to the repository. */
export const flightsFile = 'node_modules/vega-datasets/data/flights-3m.parquet';

export const dayMs = 86_400_000;
/** The model is first trained on January; the rest is replayed. */
export const januaryMs = Date.UTC(2001, 0, 1);
export const replayFromMs = Date.UTC(2001, 1, 1);
export const replayToMs = Date.UTC(2001, 6, 1);

/** A flight as an airline's system knows it before departure, and what became of it. */
export interface Flight {
  readonly id: string;
  /** Number of its row in the file; seeds what is drawn for this flight. */
  readonly row: number;
  readonly departureMs: number;
  readonly hour: number;
  /** 1 Monday to 7 Sunday. */
  readonly weekday: number;
  readonly origin: string;
  readonly destination: string;
  /** Miles. */
  readonly distance: number;
  readonly late: 0 | 1;
  /** When it reached its gate, about. */
  readonly arrivalMs: number;
}

/**
 * The flights of the first half of 2001, every n-th of them, in order of scheduled departure.
 *
 * `date` in the file is the actual departure: nothing leaves late at noon and everything does at three in the
 * morning. The schedule is taken back from it (departure less delay), and only its hour is a feature, because the
 * minutes would tell which flights were delayed. README.md has the numbers.
 */
export class Flights {
  readonly #connection: DuckDBConnection;
  readonly #directory: string;

  private constructor(connection: DuckDBConnection, directory: string) {
    this.#connection = connection;
    this.#directory = directory;
  }

  /**
   * @param source the Parquet file of vega-datasets
   * @param directory where derived files go
   * @param sample every n-th flight; 1 for all
   */
  static async open(source: string, directory: string, sample: number): Promise<Flights> {
    await mkdir(directory, { recursive: true });
    const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1GB' });
    const connection = await instance.connect();
    await connection.run(`
      CREATE TABLE flights AS
      WITH scheduled AS (
        SELECT row_number() OVER () - 1 AS row, *,
          CAST(date AS TIMESTAMP) - to_minutes(greatest(delay, 0)) AS departure
        FROM read_parquet('${source}')
      )
      SELECT row, 'F' || lpad(CAST(row AS VARCHAR), 7, '0') AS flight_id, departure AS date,
        CAST(hour(departure) AS BIGINT) AS hour, CAST(isodow(departure) AS BIGINT) AS weekday,
        origin, destination, distance, CAST(delay > 15 AS BIGINT) AS late,
        epoch_ms(CAST(date AS TIMESTAMP)) + CAST((30 + distance / 8) * 60000 AS BIGINT) AS arrival_ms
      FROM scheduled
      WHERE row % ${sample} = 0 AND departure >= TIMESTAMP '2001-01-01' AND departure < TIMESTAMP '2001-07-01'
      ORDER BY departure, row`);
    return new Flights(connection, directory);
  }

  /** Number of flights that depart in [fromMs, toMs). */
  async count(fromMs: number, toMs: number): Promise<number> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT count(*)::INTEGER FROM flights WHERE ${between(fromMs, toMs)}`,
    );
    return reader.getRowsJS()[0]?.[0] as number;
  }

  /** The flights that depart in [fromMs, toMs), in order. */
  async between(fromMs: number, toMs: number): Promise<readonly Flight[]> {
    const reader = await this.#connection.runAndReadAll(`
      SELECT flight_id, row::INTEGER, epoch_ms(date)::DOUBLE, hour::INTEGER, weekday::INTEGER, origin, destination,
        distance::INTEGER, late::INTEGER, arrival_ms::DOUBLE
      FROM flights WHERE ${between(fromMs, toMs)} ORDER BY date, row`);
    return reader.getRowsJS().map((values) => {
      const [id, row, departureMs, hour, weekday, origin, destination, distance, late, arrivalMs] =
        values as unknown as [string, number, number, number, number, string, string, number, 0 | 1, number];
      return { id, row, departureMs, hour, weekday, origin, destination, distance, late, arrivalMs };
    });
  }

  /**
   * Writes the flights of [fromMs, toMs) as a data scientist would get them, and returns the file's path.
   *
   * @param hour how the column `hour` is written
   */
  async write(name: string, fromMs: number, toMs: number, hour = 'hour'): Promise<string> {
    const path = join(this.#directory, name);
    await this.#connection.run(`
      COPY (
        SELECT flight_id, date, ${hour} AS hour, weekday, origin, destination, distance, late
        FROM flights WHERE ${between(fromMs, toMs)} ORDER BY date, row
      ) TO '${path}' (FORMAT parquet)`);
    return path;
  }

  close(): void {
    this.#connection.closeSync();
  }
}

function between(fromMs: number, toMs: number): string {
  return `date >= make_timestamp(${fromMs * 1000}) AND date < make_timestamp(${toMs * 1000})`;
}

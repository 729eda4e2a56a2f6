import { type DuckDBConnection, DuckDBScalarFunction, VARCHAR } from '@duckdb/node-api';
import { unpacked, unpackFunction } from './packed-lists.ts';

/** Registers what makes JSON of packed lists for all connections of the database. */
export function addUnpacking(connection: DuckDBConnection): void {
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name: unpackFunction,
      parameterTypes: [VARCHAR],
      returnType: VARCHAR,
      mainFunction: (_info, input, output) => {
        const texts = input.getColumnVector(0);
        for (let row = 0; row < input.rowCount; row++) {
          const text = texts.getItem(row);
          output.setItem(row, typeof text === 'string' ? unpacked(text) : null);
        }
        output.flush();
      },
    }),
  );
}

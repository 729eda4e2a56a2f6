import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  type DuckDBVector,
  VARCHAR,
} from '@duckdb/node-api';
import { unpackedList, unpackedObject, unpackingSql } from './packed-lists.ts';

/** Registers the functions for all connections of the database. */
export function addUnpacking(connection: DuckDBConnection): void {
  const functions = { list: unpackedList, object: unpackedObject };
  for (const kind of ['list', 'object'] as const) {
    const unpack = functions[kind];
    connection.registerScalarFunction(
      DuckDBScalarFunction.create({
        name: unpackingSql[kind],
        parameterTypes: [VARCHAR],
        returnType: VARCHAR,
        mainFunction: (_info, input: DuckDBDataChunk, output: DuckDBVector) => {
          const texts = input.getColumnVector(0);
          for (let row = 0; row < input.rowCount; row++) {
            const text = texts.getItem(row);
            output.setItem(row, typeof text === 'string' ? unpack(text) : null);
          }
          output.flush();
        },
      }),
    );
  }
}

import type { SignatureField } from '../../../core/model-package.ts';
import { parseTime } from '../../../core/time.ts';
import { sqlLiteral, sqlName } from '../../../platform/frames/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import type { PackageInputs } from './package-step.ts';

/** Rows that the two forms of a model are compared on. */
const comparedRows = 1000;

const sqlTypes: Readonly<Partial<Record<SignatureField['type'], string>>> = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  long: 'BIGINT',
  float: 'DOUBLE',
  double: 'DOUBLE',
  string: 'VARCHAR',
};

/**
 * Rows that were held out of the training, as {column: value}, always the same ones. None where the data lack a
 * column of the model, or where a column is a list, a time or bytes.
 */
export async function readHoldout(
  holdout: PackageInputs['holdout'],
  fields: readonly SignatureField[],
  { blobs, frames }: StepContext,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  if (holdout === null || fields.some((f) => f.shape.length > 0 || !sqlTypes[f.type])) return [];
  const file = sqlLiteral(await blobs.path(holdout.dataset));
  const types = new Map(
    (await frames.query(`DESCRIBE SELECT * FROM read_parquet(${file})`)).map((row) => [
      String(row.column_name),
      String(row.column_type),
    ]),
  );
  if ([holdout.column, ...fields.map((f) => f.name)].some((name) => !types.has(name))) return [];
  const time = sqlName(holdout.column);
  const type = types.get(holdout.column) ?? '';
  const ms = /INT/.test(type) ? time : `epoch_ms(${type === 'DATE' ? `${time}::TIMESTAMP` : time})`;
  const [from, to] = [parseTime(holdout.from, 'holdout.from'), parseTime(holdout.to, 'holdout.to')];
  const whole = fields.filter((f) => ['boolean', 'integer', 'long'].includes(f.type));
  const present = whole.map((f) => `AND ${sqlName(f.name)} IS NOT NULL`).join(' ');
  const columns = fields.map((f, i) => `CAST(${sqlName(f.name)} AS ${sqlTypes[f.type]}) AS c${i}`);
  const rows = await frames.query(
    `SELECT ${columns.join(', ')} FROM read_parquet(${file}, file_row_number = true)
     WHERE ${ms} >= ${from} AND ${ms} < ${to} ${present}
     ORDER BY hash(file_row_number), file_row_number LIMIT ${comparedRows}`,
  );
  const plain = (value: unknown) => (typeof value === 'bigint' ? Number(value) : value);
  return rows.map((row) => Object.fromEntries(fields.map((f, i) => [f.name, plain(row[`c${i}`])])));
}

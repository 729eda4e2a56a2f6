import type { DirectFrames, FrameChunk } from '../../../platform/frames/direct-frames.ts';
import { sqlName } from '../../../platform/frames/index.ts';
import { featureColumnPrefix } from '../contract.ts';
import {
  entityTreatment,
  hashedValue,
  keepsPayload,
  type Treatment,
  textLeftOut,
  treatmentsOf,
  writesEverything,
} from '../plane/log-policy.ts';
import type { BatchLogPolicy } from './contract.ts';
import type { InputColumn } from './input-columns.ts';

/**
 * The cells of a part's rows as they may stand in the prediction log: redacted, hashed and sampled like those of
 * requests, so that equal values are equal there however they came. What is hashed, and whose payload is kept, is
 * computed here and handed to DuckDB as the table `part_hidden`, row by row (`h`).
 */
export class LoggedCells {
  readonly #inputs: readonly InputColumn[];
  /** What each input is in the selection, as SQL; its columns have this in front. Null: the input is not in the file. */
  readonly #columns: readonly ((table: string) => string)[];
  readonly #policy: BatchLogPolicy | null;
  readonly #treatments: ReadonlyMap<string, Treatment>;
  readonly #entity: Treatment;

  /** @param policy null: everything is written */
  constructor(inputs: readonly InputColumn[], policy: BatchLogPolicy | null) {
    this.#inputs = inputs;
    let at = 0;
    this.#columns = inputs.map(({ field, sql, kind }) => {
      const [first, second] = [`i${at}`, `i${at + 1}`];
      at += sql.length;
      if (kind === 'absent') return () => 'NULL';
      // As the model was asked: with all digits of a number that is longer than a double.
      if (kind === 'doubles' && field.type === 'long' && sql.length === 2)
        return (table) =>
          `coalesce(TRY_CAST(${table}${second} AS HUGEINT), TRY_CAST(${table}${first} AS HUGEINT))`;
      const plain = kind === 'doubles';
      return (table) =>
        plain ? `CASE WHEN isfinite(${table}${first}) THEN ${table}${first} END` : table + first;
    });
    this.#policy = policy && !writesEverything(policy) ? policy : null;
    this.#treatments = this.#policy ? treatmentsOf(this.#policy) : new Map();
    this.#entity = this.#policy ? entityTreatment(this.#policy.entityFeature, this.#policy) : 'keep';
  }

  /**
   * Fills `part_hidden` where it is needed.
   *
   * @param select the rows of the part: `id`, `entity`, and the inputs as they were selected
   * @returns SQL that joins it to what stands before
   */
  async write(frames: DirectFrames, select: string): Promise<string> {
    const policy = this.#policy;
    if (!policy) return '';
    const sources = ['entity', ...this.#columns.map((sql) => sql(''))];
    const treatments = [this.#entity, ...this.#inputs.map(({ field }) => this.#of(field.name))];
    const hashed = sources.filter((_, i) => treatments[i] === 'hash');
    const names = treatments.flatMap((treatment, i) => (treatment === 'hash' ? [`h${i}`] : []));
    const table = ['keeps BOOLEAN', ...names.map((name) => `${name} VARCHAR`)];
    await frames.run(`CREATE TABLE part_hidden (${table.join(', ')})`);
    const writer = await frames.writer('part_hidden');
    const rows = frames.stream(`SELECT ${['id', ...hashed].join(', ')} FROM (${select})`);
    for await (const chunk of rows) {
      const keeps = chunk.values(0).map((id) => keepsPayload(policy.payloadShare, String(id)));
      writer.append([keeps, ...hashed.map((_, i) => hashes(chunk, i + 1, policy.key))], chunk.rowCount);
    }
    writer.close();
    return ' POSITIONAL JOIN part_hidden h';
  }

  entity(sql: string): string {
    return this.#treated(this.#entity, 0, sql);
  }

  /** A feature's column of the log. */
  feature({ field, logType, kind }: InputColumn, i: number): string {
    const treatment = this.#of(field.name);
    const column = this.#columns[i]?.('p.') ?? 'NULL';
    const plain = field.shape.length > 0 ? `CAST(to_json(${column}) AS VARCHAR)` : column;
    const type = treatment === 'hash' ? 'VARCHAR' : logType;
    const value = this.payload(this.#treated(treatment, i + 1, plain));
    // Most features are doubles that have been read as such.
    const isTyped = kind === 'doubles' && logType === 'DOUBLE' && treatment === 'keep';
    const typed = isTyped ? value : `TRY_CAST(${value} AS ${type})`;
    return `${typed} AS ${sqlName(featureColumnPrefix + field.name)}`;
  }

  /** What is there only where a row's payload is kept. */
  payload(sql: string): string {
    return (this.#policy?.payloadShare ?? 1) < 1 ? `CASE WHEN h.keeps THEN ${sql} END` : sql;
  }

  /** The text of an error, which may quote what must not be written. */
  error(sql: string, code: string): string {
    return this.#treatments.size === 0
      ? sql
      : `CASE WHEN ${code} IS NOT NULL THEN ${code} || '${textLeftOut}' END`;
  }

  #of(name: string): Treatment {
    return this.#treatments.get(name) ?? 'keep';
  }

  #treated(treatment: Treatment, place: number, sql: string): string {
    if (treatment === 'keep') return sql;
    return treatment === 'hash' ? `h.h${place}` : 'NULL';
  }
}

function hashes(chunk: FrameChunk, column: number, key: string): readonly (string | null)[] {
  return chunk.values(column).map((value) => (value === null ? null : hashedValue(key, value)));
}

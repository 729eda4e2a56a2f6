import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { digestSchema } from '../../core/model-types.ts';
import { formatTime, parseTime } from '../../core/time.ts';
import type { DataService, DatasetVersion } from '../../lifecycle/data/index.ts';
import { systemActor } from '../../platform/access/index.ts';
import { type Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import { defineStepKind, type StepContext } from '../../platform/registries/index.ts';

/** Inputs of the step kind `prepare-data`. */
const prepareInputsSchema = z.strictObject({
  /** Registered version whose rows are used as they stand, or which fills the time before the log begins. */
  versionId: z.string(),
  /** Joined predictions, in the names of the loop file; null to use the version as it stands. */
  joined: z
    .strictObject({
      digest: digestSchema,
      dataset: z.string(),
      time: z.string(),
      entity: z.string(),
      label: z.string(),
      /** First instant of the rows that are wanted. */
      from: z.string(),
    })
    .nullable(),
  holdoutRatio: z.number(),
});

/**
 * The rows of a turn: all (`dataDigest`), those to train on, and from when (`boundary`) to when (`end`, exclusive)
 * the others judge.
 */
export const prepareOutputsSchema = z.strictObject({
  datasetVersionId: z.string(),
  dataDigest: digestSchema,
  rows: z.int(),
  /** Of the rows, those from joined predictions. */
  joinedRows: z.int(),
  trainDigest: digestSchema,
  trainRows: z.int(),
  holdoutRows: z.int(),
  boundary: z.string(),
  end: z.string(),
});

type Inputs = z.output<typeof prepareInputsSchema>;

/**
 * The step kind `prepare-data`: registers the rows that a turn trains and judges on as a dataset version, and cuts
 * the newest of them off as the hold-out. Joined predictions take the types of the source's columns, so that a
 * script sees the same columns each time; the part of the window before the log begins comes from the source.
 */
export function prepareDataStep(data: DataService) {
  return defineStepKind({
    kind: 'prepare-data',
    place: 'control',
    inputs: prepareInputsSchema,
    outputs: prepareOutputsSchema,
    run: (inputs, context) => prepare(data, inputs, context),
  });
}

async function prepare(data: DataService, inputs: Inputs, context: StepContext) {
  const source = await data.version(systemActor, inputs.versionId);
  const assembled = inputs.joined ? await assemble(data, source, inputs.joined, context) : undefined;
  const version = assembled?.version ?? source;
  const { split, train } = await data.splitParts(systemActor, version.id, inputs.holdoutRatio);
  if (!version.timeRange)
    throw fail('dataset_untimed', { version: version.version, dataset: version.dataset });
  context.log(
    `dataset ${version.dataset} version ${version.version}: ${split.trainRows} rows before ${split.boundary} train, ${split.holdoutRows} judge`,
  );
  return {
    datasetVersionId: version.id,
    dataDigest: version.digest,
    rows: version.rows,
    joinedRows: assembled?.joinedRows ?? 0,
    trainDigest: train.digest,
    trainRows: split.trainRows,
    holdoutRows: split.holdoutRows,
    boundary: split.boundary,
    end: formatTime(parseTime(version.timeRange.max) + 1),
  };
}

async function assemble(
  data: DataService,
  source: DatasetVersion,
  joined: NonNullable<Inputs['joined']>,
  context: StepContext,
): Promise<{ readonly version: DatasetVersion; readonly joinedRows: number }> {
  const { frames, blobs } = context;
  const log = `read_parquet(${sqlLiteral(await blobs.path(joined.digest))})`;
  const history = `read_parquet(${sqlLiteral(await blobs.path(source.digest))})`;
  const logged = new Set(await columnNames(frames, log));
  const columns = source.profile.filter((column) => logged.has(column.name));
  const epochTime = columns.some(({ name, type }) => name === joined.time && type === 'integer');
  const time = sqlName(joined.time);
  const historyTime = epochTime ? `make_timestamp(${time} * 1000)` : `CAST(${time} AS TIMESTAMP)`;
  const typed = columns
    .map(({ name, storedType }) => {
      const value = epochTime && name === joined.time ? `epoch_ms(${time})` : sqlName(name);
      return `CAST(${value} AS ${storedType}) AS ${sqlName(name)}`;
    })
    .join(', ');
  const target = join(context.workDir, 'prepared.parquet');
  const inLog = await rowsInLog(frames, log, time, joined.from);
  await frames.query(
    `COPY (
       SELECT ${typed} FROM ${log}
       UNION ALL
       SELECT ${columns.map(({ name }) => sqlName(name)).join(', ')} FROM ${history}
       WHERE ${historyTime} >= ${timestamp(joined.from)} AND ${historyTime} < ${timestamp(inLog.begins)}
       ORDER BY ${time}
     ) TO ${sqlLiteral(target)} (FORMAT parquet, COMPRESSION zstd)`,
    [],
    context.signal,
  );
  const { digest } = await blobs.put(createReadStream(target));
  const { version } = await data.register(systemActor, {
    dataset: joined.dataset,
    source: { digest, format: 'parquet' },
    time: joined.time,
    entity: joined.entity,
    label: joined.label,
  });
  context.log(`${inLog.rows} joined predictions and ${version.rows - inLog.rows} rows from before the log`);
  return { version, joinedRows: inLog.rows };
}

async function columnNames(frames: Frames, relation: string): Promise<readonly string[]> {
  return (await frames.query(`DESCRIBE SELECT * FROM ${relation}`)).map((row) => String(row.column_name));
}

/** How many joined rows there are and when they begin (the window's begin when there are none). */
async function rowsInLog(frames: Frames, log: string, time: string, from: string) {
  const [row] = await frames.query(
    `SELECT count(*)::BIGINT AS rows, epoch_ms(min(CAST(${time} AS TIMESTAMP))) AS begins FROM ${log}`,
  );
  const beginsMs = row?.begins as number | null | undefined;
  return { rows: row?.rows as number, begins: beginsMs == null ? from : formatTime(beginsMs) };
}

function timestamp(time: string): string {
  return `TIMESTAMP ${sqlLiteral(formatTime(parseTime(time)).replace('T', ' ').replace('Z', ''))}`;
}

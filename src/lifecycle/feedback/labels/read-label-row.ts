import { type CsvDialect, csvNumber, csvNumberProblem } from '../../../core/csv-dialect.ts';
import { MillraceError } from '../../../core/errors.ts';
import { clearestIssue } from '../../../core/schema.ts';
import { type LabelType, labelSchema, signalSchema } from '../contract.ts';
import type { Incoming } from './intake.ts';
import { requireEventTime, requirePredictionTime, requireType } from './require-label.ts';

/** Names that a column may have, in files and in queries; of several that are there the first one of these is meant. */
const columnNames = {
  predictionId: ['prediction_id', 'predictionid', 'id'],
  entity: ['entity'],
  at: ['at', 'prediction_time'],
  toleranceMs: ['tolerance_ms', 'tolerancems'],
  signal: ['signal'],
  value: ['value', 'label'],
  eventTime: ['event_time', 'eventtime', 'time'],
} as const;
type Member = keyof typeof columnNames;

/** Where each member of a label is in a row, by the names of the columns. */
export type LabelColumns = Readonly<Partial<Record<Member, number>>> & {
  /** How many columns there are in all. */
  readonly count: number;
};

/** Finds the columns of labels; returns the problem as text when needed ones are missing. */
export function labelColumns(names: readonly string[]): LabelColumns | string {
  const lower = names.map((name) => name.trim().toLowerCase());
  const found: Partial<Record<Member, number>> = {};
  for (const member of Object.keys(columnNames) as Member[]) {
    const name = columnNames[member].find((known) => lower.includes(known));
    if (name === undefined) continue;
    found[member] = lower.indexOf(name);
    if (lower.lastIndexOf(name) !== found[member]) return `there are several columns ${name}`;
  }
  const there =
    names.length === 1
      ? `the only column is ${JSON.stringify(names[0])}: if its cells are not separated by commas, semicolons, tabs or bars, write one of these (and say which, delimiter=…)`
      : `the columns are ${names.join(', ') || 'none'}`;
  if (found.predictionId === undefined && (found.entity === undefined || found.at === undefined))
    return `there is no column prediction_id, nor entity and at; ${there}`;
  if (found.value === undefined && found.signal === undefined) return `there is no column value; ${there}`;
  if (found.eventTime === undefined) return `there is no column event_time; ${there}`;
  return { ...found, count: names.length };
}

/** How rows are read. */
interface RowReading {
  readonly type: LabelType;
  /** Labels of later times are refused. */
  readonly nowMs: number;
  /** How a CSV file writes numbers; null where texts are no file's. */
  readonly decimal: CsvDialect['decimal'] | null;
}

/**
 * Reads a row of a file or a query as a label or signal, and checks all of it; returns the problem as text when it
 * is none. Text of digits is a number, `true` and `false` are such, and a time of digits is epoch milliseconds.
 */
export function readLabelRow(
  cells: readonly unknown[],
  columns: LabelColumns,
  { type, nowMs, decimal }: RowReading,
): Incoming | string {
  const beyond = cells.slice(columns.count).findIndex((value) => value !== '');
  if (beyond >= 0 || cells.length < columns.count)
    return `the record has ${cells.length} cells, the header ${columns.count}`;
  const cell = (member: Member): unknown => {
    const place = columns[member];
    const value = place === undefined ? undefined : cells[place];
    if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
    return value === null ? undefined : value;
  };
  const text = (member: Member) => {
    const value = cell(member);
    return typeof value === 'object' || value === undefined ? value : String(value);
  };
  const signal = text('signal');
  const given = cell('value');
  const isNumber = typeof given === 'string' && type !== 'text' && decimal !== null;
  const odd = isNumber ? csvNumberProblem(given, decimal) : null;
  if (odd !== null) return `value ${odd}`;
  if (signal === undefined && isInexact(given, type))
    return `value is ${given}; numbers are kept as doubles, which do not hold it exactly: have the endpoint take texts (labelType "text") where labels are as long as that`;
  const row = clean({
    predictionId: text('predictionId'),
    entity: text('predictionId') === undefined ? text('entity') : undefined,
    at: text('predictionId') === undefined ? timeOf(cell('at')) : undefined,
    toleranceMs: cell('toleranceMs') === undefined ? undefined : Number(cell('toleranceMs')),
    signal,
    value: labelValueOf(given, type, decimal ?? 'point'),
    eventTime: timeOf(cell('eventTime')),
  });
  for (const name of ['value', 'eventTime'] as const)
    if (row[name] === undefined && !(signal !== undefined && name === 'value'))
      return `${columnNames[name][0]} is empty`;
  const parsed = (signal === undefined ? labelSchema : signalSchema).safeParse(row);
  if (!parsed.success) {
    const { path, message } = clearestIssue(parsed.error);
    const column = columnNames[path[0] as Member]?.[0];
    if (column !== undefined) return `${column} ${message}`;
    return message.replace('predictionId', columnNames.predictionId[0]);
  }
  try {
    if (signal === undefined) requireType(parsed.data.value, type, 'value');
    requireEventTime(parsed.data.eventTime, nowMs, columnNames.eventTime[0]);
    if (parsed.data.at !== undefined) requirePredictionTime(parsed.data.at, columnNames.at[0]);
  } catch (error) {
    return error instanceof MillraceError ? error.message : String(error);
  }
  return parsed.data;
}

function clean(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
}

/** Whether it is a whole number that a double does not hold: two classes would become one. */
function isInexact(value: unknown, type: LabelType): boolean {
  if (typeof value === 'bigint') return BigInt(Number(value)) !== value;
  if (typeof value !== 'string' || type === 'text' || !/^[+-]?\d{16,}$/.test(value)) return false;
  const number = Number(value);
  return !Number.isFinite(number) || BigInt(number) !== BigInt(value.replace('+', ''));
}

function labelValueOf(value: unknown, type: LabelType, decimal: CsvDialect['decimal']): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || type === 'text') return value;
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  return csvNumber(value, decimal) ?? value;
}

/**
 * RFC 3339, also with a blank for the T, without seconds, without a zone or with its name (UTC then) or as a day alone;
 * epoch milliseconds as number or text of digits; dates of a database.
 */
function timeOf(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') return value;
  if (/^-?\d+$/.test(value)) return Number(value);
  const text = value
    .replace(/^(\d{4}-\d\d-\d\d)[ t]/, '$1T')
    .replace(/ ?(UTC|GMT)$/i, 'Z')
    .replace(/(T\d\d:\d\d)(?=$|Z|[+-])/, '$1:00');
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return `${text}T00:00:00Z`;
  if (/T[\d:.]+$/.test(text)) return `${text}Z`;
  return text.replace(/(T.*[+-]\d\d)$/, '$1:00').replace(/(T.*[+-]\d\d)(\d\d)$/, '$1:$2');
}

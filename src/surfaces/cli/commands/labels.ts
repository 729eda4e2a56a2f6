import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { type CsvRow, readCsv } from '../../../core/csv.ts';
import { fail } from '../../../core/errors.ts';
import type { CommandCall } from '../command.ts';
import { feedbackSummarySchema, postLabelsResponseSchema } from '../contract.ts';
import { facts } from '../format/table.ts';
import { count } from '../format/text.ts';
import { readLocal } from '../localFile.ts';
import { uploadLabels } from './predictionLog.ts';

interface Label {
  readonly predictionId: string;
  readonly value: string | number | boolean;
  readonly eventTime: string | number;
}

const batchSize = 5000;
/** The columns of a labels file, by each name that they may have. */
const columns = {
  predictionId: ['prediction_id', 'predictionId', 'id'],
  value: ['value', 'label'],
  eventTime: ['event_time', 'eventTime', 'time'],
} as const;

/** `millrace labels <endpoint> [file.csv|file.parquet]` */
export async function labels(call: CommandCall): Promise<undefined> {
  const endpoint = call.at(0);
  const file = call.at(1);
  if (file === '') return summary(call, endpoint);
  if (/\.parquet$/i.test(file)) return uploadLabels(call, endpoint, file);
  await access(file, constants.R_OK).catch(() => readLocal(file));
  let accepted = 0;
  const send = async (batch: readonly Label[]): Promise<void> => {
    if (batch.length === 0) return;
    const answer = await call.api.post('labels', { endpoint, labels: batch }, postLabelsResponseSchema);
    accepted += answer.accepted;
  };
  const refuse = (line: number, problem: string): Error =>
    fail('labels_file_invalid', { file, line, problem, accepted });

  let place: Record<keyof typeof columns, number> | undefined;
  let batch: Label[] = [];
  for await (const row of readCsv(createReadStream(file, 'utf8') as AsyncIterable<string>)) {
    if (!place) {
      place = placesOf(row, refuse);
      continue;
    }
    batch.push(readLabel(row, place, refuse));
    if (batch.length < batchSize) continue;
    await send(batch);
    batch = [];
  }
  if (!place) throw refuse(1, 'the file is empty');
  await send(batch);
  call.show({ accepted }, () => `${count(accepted, 'label')} of ${endpoint} taken.`);
}

type Refuse = (line: number, problem: string) => Error;

function placesOf(head: CsvRow, refuse: Refuse): Record<keyof typeof columns, number> {
  const names = head.cells.map((cell) => cell.trim());
  const placeOf = (known: readonly string[]): number => {
    const place = names.findIndex((name) => known.includes(name));
    if (place < 0)
      throw refuse(head.line, `there is no column ${known[0]}; the header is ${names.join(', ')}`);
    return place;
  };
  return {
    predictionId: placeOf(columns.predictionId),
    value: placeOf(columns.value),
    eventTime: placeOf(columns.eventTime),
  };
}

/** A row as a label: numbers and true/false are read as such, a time of digits is epoch milliseconds. */
function readLabel(row: CsvRow, place: Record<keyof typeof columns, number>, refuse: Refuse): Label {
  const cell = (name: keyof typeof columns): string => {
    const text = row.cells[place[name]]?.trim() ?? '';
    if (text === '') throw refuse(row.line, `${columns[name][0]} is empty`);
    return text;
  };
  const value = cell('value');
  const eventTime = cell('eventTime');
  const isTime = /^\d+$/.test(eventTime) || /^\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:?\d\d)$/i.test(eventTime);
  if (!isTime) {
    throw refuse(
      row.line,
      `event_time "${eventTime}" is no time with an offset (2001-03-04T05:06:07Z) nor epoch milliseconds`,
    );
  }
  return {
    predictionId: cell('predictionId'),
    value:
      value === 'true' || value === 'false'
        ? value === 'true'
        : Number.isFinite(Number(value))
          ? Number(value)
          : value,
    eventTime: /^\d+$/.test(eventTime) ? Number(eventTime) : eventTime.replace(' ', 'T'),
  };
}

async function summary(call: CommandCall, endpoint: string): Promise<undefined> {
  const answer = await call.api.get('labels/summary', feedbackSummarySchema, { endpoint });
  const { total } = answer;
  call.show(answer, () =>
    facts([
      ['predictions', `${total.predictions.toLocaleString('en-US')}, of which ${total.failed} failed`],
      ['labelled', total.joined.toLocaleString('en-US')],
      ['waiting', total.waiting.toLocaleString('en-US')],
      ['labels', `${count(total.labelsReceived, 'label')} received, ${total.duplicateLabels} of them again`],
      ['orphans', String(total.orphans)],
      ['advice', answer.advice],
    ]),
  );
}

import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { streamed } from '../../../platform/client/index.ts';
import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { feedbackSummarySchema, labelUploadSchema } from '../contract.ts';
import { facts } from '../format/table.ts';
import { count } from '../format/text.ts';
import { readLocal } from '../local-file.ts';
import { csvOptionsOf } from './csv-options.ts';
import { requireEndpoint } from './require-endpoint.ts';

const pollMs = 100;

/** `millrace labels <endpoint> [file.csv|file.parquet]`: the file is sent whole, control works it through row by row. */
export async function labels(call: CommandCall): Promise<number | undefined> {
  const endpoint = call.at(0);
  const file = call.at(1);
  if (file === '') return summary(call, endpoint);
  await access(file, constants.R_OK).catch(() => readLocal(file));
  const format = /\.parquet$/i.test(file) ? 'parquet' : 'csv';
  const query = new URLSearchParams({ endpoint, format, ...csvOptionsOf(call) });
  const response = await call.api.client.fetch(`/api/v1/label-uploads?${query}`, {
    ...streamed(createReadStream(file)),
    method: 'POST',
    headers: { 'content-type': format === 'csv' ? 'text/csv' : 'application/vnd.apache.parquet' },
  });
  let upload = call.api.parsed(labelUploadSchema, await response.json());
  while (upload.state === 'running') {
    await new Promise((done) => setTimeout(done, pollMs));
    upload = await call.api.get(`label-uploads/${part(upload.id)}`, labelUploadSchema);
  }
  const { state, rowsRead, rowsAccepted, rowsRefused, errors, lastTry } = upload;
  const place = (row: number): string => (row === 0 ? file : `${file}:${row}`);
  call.show(upload, () =>
    [
      `${count(rowsAccepted, 'label')} of ${endpoint} taken, ${rowsRefused} refused.`,
      ...(lastTry.rowsTried < rowsRead
        ? [
            `The file was sent before: ${count(lastTry.rowsTried, 'row')} tried again now, ${lastTry.rowsAccepted} of them taken.`,
          ]
        : []),
      ...errors.map(({ row, problem }) => `${place(row)}: ${problem}`),
      ...(rowsRefused > errors.length ? ['and others'] : []),
    ].join('\n'),
  );
  return state === 'failed' || rowsRefused > 0 ? 1 : undefined;
}

async function summary(call: CommandCall, endpoint: string): Promise<undefined> {
  const answer = await call.api.get('labels/summary', feedbackSummarySchema, { endpoint });
  const { total } = answer;
  const { waitingByEntity } = answer;
  if (total.predictions === 0 && total.labelsReceived === 0 && waitingByEntity === 0)
    await requireEndpoint(call, endpoint);
  call.show(answer, () =>
    facts([
      [
        'predictions',
        `${total.predictions.toLocaleString('en-US')}, of which ${(total.failed - total.refused).toLocaleString('en-US')} failed, and ${total.refused.toLocaleString('en-US')} were refused for what was sent`,
      ],
      ['labelled', total.joined.toLocaleString('en-US')],
      ['waiting', total.waiting.toLocaleString('en-US')],
      ['labels', `${count(total.labelsReceived, 'label')} received, ${total.duplicateLabels} of them again`],
      ['orphans', total.orphans.toLocaleString('en-US')],
      ['by entity', `${count(waitingByEntity, 'label')} of no known prediction`],
      ['advice', answer.advice],
    ]),
  );
}

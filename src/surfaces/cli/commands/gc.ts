import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { purgeCountsSchema, purgeStartedSchema, stepRunSchema } from '../contract.ts';
import { count } from '../format/text.ts';

type Counts = z.output<typeof purgeCountsSchema>;

const pollMs = 250;
/** After so many it takes long enough to say how to watch it. */
const longPolls = 40;

/** `millrace gc [--dry-run]`: starts a purge, waits for its end and tells what went; exit code 1 if it fails. */
export async function gc(call: CommandCall): Promise<number | undefined> {
  const ids = call.option('experiment-ids');
  const body = {
    dryRun: call.has('dry-run'),
    olderThan: call.option('older-than'),
    experimentIds: ids?.split(',').map((id) => id.trim()),
  };
  const { stepRunId } = await call.api.post('purges', body, purgeStartedSchema);
  for (let polls = 0; ; polls++) {
    const step = await call.api.get(`step-runs/${part(stepRunId)}`, stepRunSchema);
    if (step.status === 'queued' || step.status === 'running') {
      if (polls === longPolls && !call.json) call.note(`It goes on: millrace logs ${stepRunId} --follow`);
      await sleep(pollMs);
      continue;
    }
    const counts = purgeCountsSchema.safeParse(step.outputs);
    call.show(step, () =>
      counts.success ? text(counts.data, body.dryRun) : `It ${step.status}: ${step.error?.message ?? ''}`,
    );
    return step.status === 'succeeded' ? undefined : 1;
  }
}

function text(counts: Counts, isDry: boolean): string {
  const lines = [
    count(counts.experiments, 'experiment'),
    count(counts.runs, 'run'),
    count(counts.loggedModels, 'logged model'),
    count(counts.traces, 'trace'),
    `${count(counts.files, 'file')} of ${size(counts.fileBytes)}`,
    `${count(counts.blobs, 'blob')} that nothing ${isDry ? 'refers to already' : 'referred to'}, ${size(counts.blobBytes)}`,
  ];
  const kept = counts.kept > 0 ? [`Kept, because registered versions came from it: ${counts.kept}`] : [];
  return [isDry ? 'Would go for good:' : 'Gone for good:', ...lines.map((line) => `  ${line}`), ...kept].join(
    '\n',
  );
}

function size(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

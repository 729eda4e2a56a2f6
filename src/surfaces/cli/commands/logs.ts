import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { formatDuration } from '../../../core/time.ts';
import { isPassing } from '../../../platform/client/index.ts';
import { type Api, part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { stepLogLineSchema, stepRunSchema } from '../contract.ts';
import { turnName, turnNamed, uuid } from './turn-named.ts';

type Line = z.output<typeof stepLogLineSchema>;
type StepRun = z.output<typeof stepRunSchema>;

const pageSize = 1000;
const retryMs = 1000;
const mostRetries = 30;

/** `millrace logs <step-run or turn> [--follow]`; the exit code is 1 when a followed step fails. */
export async function logs(call: CommandCall): Promise<number | undefined> {
  const id = await stepRunId(call.api, call.at(0));
  const show = (line: Line): void => call.print(call.json ? JSON.stringify(line) : lineText(line));
  if (!call.has('follow')) {
    await pages(call, id, show);
    return undefined;
  }
  const ended = await followed(call.api, id, show);
  if (!call.json) call.note(endText(ended));
  return ended.status === 'succeeded' ? 0 : 1;
}

async function pages(call: CommandCall, id: string, show: (line: Line) => void): Promise<void> {
  const answer = z.object({ items: z.array(stepLogLineSchema) });
  for (let after = 0, last = pageSize; last === pageSize; ) {
    const { items } = await call.api.get(`step-runs/${part(id)}/logs`, answer, { after, limit: pageSize });
    items.forEach(show);
    last = items.length;
    after = items.at(-1)?.number ?? after;
  }
}

/** Shows lines until the step ends; a control that is restarted meanwhile is waited for, 30 s at most. */
async function followed(api: Api, id: string, show: (line: Line) => void): Promise<StepRun> {
  let after = 0;
  for (let retries = 0; ; retries++) {
    try {
      for await (const event of events(api, `/api/v1/step-runs/${part(id)}/logs?after=${after}`)) {
        if (event.name === 'end') return stepRunSchema.parse(event.data);
        const line = stepLogLineSchema.parse(event.data);
        after = line.number;
        retries = 0;
        show(line);
      }
    } catch (error) {
      const broken = error instanceof TypeError;
      if ((!broken && !isPassing(error)) || retries === mostRetries) throw error;
    }
    await sleep(retryMs);
  }
}

/** Server-sent events of an address, one at a time. */
async function* events(
  api: Api,
  path: string,
): AsyncGenerator<{ readonly name: string; readonly data: unknown }> {
  const response = await api.client.fetch(path, { headers: { accept: 'text/event-stream' } });
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string): string =>
        block
          .split('\n')
          .filter((line) => line.startsWith(`${name}: `))
          .map((line) => line.slice(name.length + 2))
          .join('\n');
      if (field('data') !== '') yield { name: field('event'), data: JSON.parse(field('data')) };
    }
  }
}

async function stepRunId(api: Api, name: string): Promise<string> {
  if (uuid.test(name)) return name;
  const turn = await turnNamed(api, name);
  const last = turn.steps.at(-1);
  if (last) return last.stepRunId;
  throw fail('not_found', {
    kind: 'step of turn',
    id: turnName(turn),
    list: `/api/v1/step-runs?subject=${turnName(turn)}`,
  });
}

/** `12:34:56 text`; what Millrace says itself is set off by a dash. */
function lineText(line: Line): string {
  return `${line.at.slice(11, 19)} ${line.stream === 'system' ? '– ' : ''}${line.text}`;
}

function endText(step: StepRun): string {
  const took = step.durationMs === null ? '' : ` after ${formatDuration(step.durationMs)}`;
  const why = step.error ? `: ${step.error.message}\nNext: ${step.error.next}` : '';
  return `Step ${step.kind} of ${step.subject} ${step.status}${took}${why}`;
}

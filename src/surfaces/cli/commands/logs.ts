import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { stepLogLineSchema, stepRunSchema } from '../../../lifecycle/pipelines/index.ts';
import { turnSchema } from '../../../loop/index.ts';
import type { ControlClient } from '../../../platform/client/index.ts';
import { type Command, UsageError } from '../Command.ts';

const followMs = 500;
const batch = 1000;

/** `millrace logs`: the log of a step, or of the newest step of a turn. */
export const logs: Command = {
  name: 'logs',
  usage: '<step run id | loop/number> [--step train] [--follow]',
  summary: 'the log of a step, or of a turn’s newest step',
  options: { step: 'string', follow: 'boolean' },
  words: [1, 1],
  async run({ client, output, words, options }) {
    const kind = typeof options.step === 'string' ? options.step : undefined;
    const id = await stepRunId(client, words[0] ?? '', kind);
    let after = 0;
    for (;;) {
      const run = await client.call(`/api/v1/step-runs/${id}`, { schema: stepRunSchema });
      const { items } = await client.call(`/api/v1/step-runs/${id}/logs?after=${after}&limit=${batch}`, {
        schema: z.object({ items: z.array(stepLogLineSchema) }),
      });
      for (const line of items) {
        output.line(output.wantsJson ? JSON.stringify(line) : `${line.at.slice(11, 23)} ${line.text}`);
      }
      after = items.at(-1)?.number ?? after;
      if (items.length === batch) continue;
      const ended = run.status !== 'queued' && run.status !== 'running';
      if (ended && run.error && !output.wantsJson) output.line(`${run.status}: ${run.error.message}`);
      if (ended || options.follow !== true) return;
      await sleep(followMs);
    }
  },
};

async function stepRunId(client: ControlClient, word: string, kind: string | undefined): Promise<string> {
  if (!word.includes('/')) return word;
  const turn = await client.call(`/api/v1/turns/${encodeURIComponent(word)}`, { schema: turnSchema });
  const step = turn.steps.findLast((s) => kind === undefined || s.kind === kind);
  if (step) return step.stepRunId;
  const known = [...new Set(turn.steps.map((s) => s.kind))].join(', ') || 'none yet';
  throw new UsageError(`turn ${word} has no ${kind ?? ''} step; its steps are: ${known}`);
}

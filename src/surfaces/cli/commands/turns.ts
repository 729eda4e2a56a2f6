import { z } from 'zod';
import { type Turn, turnSchema, turnSummarySchema } from '../../../loop/index.ts';
import { type Command, required } from '../Command.ts';
import type { Output } from '../Output.ts';

/** A turn's id as people give it: the id, or `<loop>/<number>`. */
const turnPath = (id: string | undefined) => `/api/v1/turns/${encodeURIComponent(id ?? '')}`;

const turns: Command = {
  name: 'turns',
  usage: '[loop] [--limit N]',
  summary: 'the turns of a loop, newest first',
  options: { limit: 'string' },
  words: [0, 1],
  async run({ client, output, words, options }) {
    const query = new URLSearchParams({ limit: String(options.limit ?? 20) });
    if (words[0] !== undefined) query.set('loop', words[0]);
    const answer = await client.call(`/api/v1/turns?${query}`, {
      schema: z.object({ items: z.array(turnSummarySchema) }),
    });
    output.result(answer, () =>
      output.table(
        ['turn', 'state', 'cause', 'version', 'started', 'event time', 'reason'],
        answer.items.map((turn) => [
          `${turn.loop}/${turn.number}`,
          turn.state,
          turn.trigger.cause,
          turn.challengerVersion,
          turn.startedAt.slice(0, 19),
          turn.startedEventTime?.slice(0, 10) ?? null,
          turn.reason,
        ]),
      ),
    );
  },
};

const turn: Command = {
  name: 'turn',
  usage: '<loop>/<number>',
  summary: 'how a turn went: its states with their reasons, its steps and its roll-out',
  options: {},
  words: [1, 1],
  async run({ client, output, words }) {
    const answer = await client.call(turnPath(words[0]), { schema: turnSchema });
    output.result(answer, () => describe(output, answer));
  },
};

export const turnCommands: readonly Command[] = [
  turns,
  turn,
  decision('approve', 'let a turn that waits for a person go on', 'looks right'),
  decision('reject', 'refuse a turn that waits for a person', 'worse for short flights'),
  decision('abort', 'end a turn at once; the champion has all traffic again', 'wrong data'),
  decision('retry', 'go on with a failed turn where it failed', 'script corrected'),
];

function decision(name: string, summary: string, example: string): Command {
  return {
    name,
    usage: '<loop>/<number> --reason WHY',
    summary,
    options: { reason: 'string' },
    words: [1, 1],
    async run({ client, output, words, options }) {
      const body = { reason: required(options, 'reason', example) };
      const answer = await client.call(`${turnPath(words[0])}/${name}`, { body, schema: turnSchema });
      output.result(answer, () => output.line(`turn ${answer.loop}/${answer.number} is ${answer.state}`));
    },
  };
}

function describe(output: Output, turn: Turn): void {
  output.line(`turn ${turn.loop}/${turn.number}: ${turn.state}`);
  output.line(`began with ${turn.trigger.cause}: ${turn.trigger.reason} (${turn.trigger.by})`);
  output.line();
  output.table(
    ['at', 'event time', 'state', 'reason'],
    turn.transitions.map((t) => [t.at.slice(0, 19), t.eventTime?.slice(0, 16) ?? null, t.to, t.reason]),
  );
  if (turn.gates.length > 0) {
    output.line();
    output.table(
      ['gate', 'verdict', 'reason'],
      turn.gates.map((gate) => [gate.name, gate.verdict, gate.reason]),
    );
  }
  output.line();
  output.table(
    ['step', 'status', 'attempts', 'id'],
    turn.steps.map((step) => [step.kind, step.status, step.attempts, step.stepRunId]),
  );
  if (turn.rollout) {
    output.line();
    output.line(`roll-out at ${turn.rollout.percent} %: ${turn.rollout.reason}`);
  }
  if (turn.failure) {
    output.line();
    output.line(`failed in ${turn.failure.state}: ${turn.failure.message}`);
  }
}

import { z } from 'zod';
import { type Loop, loopSchema } from '../../../loop/index.ts';
import { type Command, required, UsageError } from '../Command.ts';
import type { Output } from '../Output.ts';

const loopPath = (name: string | undefined) => `/api/v1/loops/${encodeURIComponent(name ?? '')}`;

const status: Command = {
  name: 'status',
  usage: '[loop]',
  summary: 'what the loops are doing and what they wait for',
  options: {},
  words: [0, 1],
  async run({ client, output, words }) {
    if (words[0] !== undefined) {
      const loop = await client.call(loopPath(words[0]), { schema: loopSchema });
      output.result(loop, () => describe(output, loop));
      return;
    }
    const answer = await client.call('/api/v1/loops', { schema: z.object({ items: z.array(loopSchema) }) });
    output.result(answer, () => {
      if (answer.items.length === 0) output.line('no loops yet: millrace apply loop.yaml');
      else
        output.table(
          ['loop', 'champion', 'turn', 'state', 'event time', 'waits for'],
          answer.items.map((loop) => [
            loop.name,
            loop.championVersion,
            (loop.activeTurn ?? loop.lastTurn)?.number ?? null,
            loop.activeTurn?.state ?? loop.state,
            loop.watermark,
            loop.waitsFor,
          ]),
        );
    });
  },
};

const trigger: Command = {
  name: 'trigger',
  usage: '<loop> --reason WHY [--param name=value,…] [--dataset-version ID]',
  summary: 'ask for a turn now, perhaps with other parameters or data',
  options: { reason: 'string', param: 'string', 'dataset-version': 'string' },
  words: [1, 1],
  async run({ client, output, words, options }) {
    const datasetVersion = options['dataset-version'];
    const overrides = {
      ...(typeof options.param === 'string' ? { params: readParams(options.param) } : {}),
      ...(typeof datasetVersion === 'string' ? { datasetVersion } : {}),
    };
    const reason = required(options, 'reason', 'new features');
    const path = `${loopPath(words[0])}/trigger`;
    const loop = await client.call(path, { body: { reason, overrides }, schema: loopSchema });
    output.result(loop, () => describe(output, loop));
  },
};

export const loopCommands: readonly Command[] = [
  status,
  trigger,
  held('pause', 'hold a loop; harm of a roll-out is still acted on'),
  held('resume', 'let a held loop go on'),
];

function held(name: 'pause' | 'resume', summary: string): Command {
  return {
    name,
    usage: '<loop> --reason WHY',
    summary,
    options: { reason: 'string' },
    words: [1, 1],
    async run({ client, output, words, options }) {
      const body = { reason: required(options, 'reason', 'maintenance') };
      const loop = await client.call(`${loopPath(words[0])}/${name}`, { body, schema: loopSchema });
      output.result(loop, () => describe(output, loop));
    },
  };
}

function describe(output: Output, loop: Loop): void {
  const turn = loop.activeTurn ?? loop.lastTurn;
  const facts: readonly (readonly [string, string])[] = [
    ['loop', `${loop.name} (version ${loop.version}, ${loop.state})`],
    [
      'champion',
      loop.championVersion === null ? 'none yet' : `version ${loop.championVersion} on ${loop.endpoint}`,
    ],
    ['event time', loop.watermark ?? 'not begun'],
    ['turn', turn ? `${turn.number}: ${turn.state}, ${turn.reason}` : 'none yet'],
    ['waits for', loop.waitsFor],
    ...loop.waitingTriggers.map(
      (waiting) => ['trigger', `${waiting.reason} (${waiting.waitsFor ?? 'about to start'})`] as const,
    ),
  ];
  for (const [name, value] of facts) output.line(`${name.padEnd(10)}  ${value}`);
}

/** `depth=3,rate=0.1`: numbers and true or false are taken as such. */
function readParams(text: string): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [name = '', ...rest] = pair.split('=');
      if (rest.length === 0) throw new UsageError(`--param ${pair}: write name=value`);
      const value = rest.join('=');
      const typed =
        value === 'true' || value === 'false'
          ? value === 'true'
          : value !== '' && Number.isFinite(Number(value))
            ? Number(value)
            : value;
      return [name.trim(), typed];
    }),
  );
}

import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { type Loop, loopSchema, statusSchema } from '../contract.ts';
import { facts } from '../format/table.ts';
import { ago, eventTime, lasted } from '../format/text.ts';
import { loopTable } from './loops.ts';

const mostLoops = 100;

/** `millrace status [loop]` */
export async function status(call: CommandCall): Promise<undefined> {
  const name = call.at(0);
  if (name === '') return serverStatus(call);
  const loop = await call.api.get(`loops/${part(name)}`, loopSchema);
  call.show(loop, () => loopStatus(loop, call.nowMs));
}

async function serverStatus(call: CommandCall): Promise<undefined> {
  const server = await call.api.get('status', statusSchema);
  if (call.json) {
    call.show(server, () => '');
    return;
  }
  const { items } = await call.api.list('loops', loopSchema, mostLoops);
  const up = lasted(server.startedAt, null, call.nowMs);
  call.print(`Millrace ${server.version} at ${call.api.client.url}, up for ${up}.`);
  call.print(`Data in ${server.dataDirectory} (${server.database}).`);
  const jobs = Object.entries(server.jobs).map(([state, n]) => `${n} ${state}`);
  call.print(`Jobs: ${jobs.join(', ') || 'none so far'}.`);
  call.print(items.length === 0 ? 'No loop is applied yet.' : `\n${loopTable(items, call.width)}`);
}

/** Where a loop stands, in facts and sentences. */
function loopStatus(loop: Loop, nowMs: number): string {
  const turn = loop.activeTurn;
  const last = loop.lastTurn;
  return facts([
    ['loop', `${loop.name}, ${loop.state}`],
    ['file', `version ${loop.version}, applied ${ago(loop.appliedAt, nowMs)} by ${loop.appliedBy}`],
    ['champion', loop.championVersion === null ? 'none yet' : `version ${loop.championVersion}`],
    ['endpoint', loop.endpoint],
    ['event time', loop.watermark && eventTime(loop.watermark)],
    [
      'turn',
      turn
        ? `${turn.number} is ${turn.state} (started ${ago(turn.startedAt, nowMs)}, ${turn.trigger.cause}): ${turn.reason}`
        : 'none under way',
    ],
    ['last turn', last && `${last.number} ${last.state} ${ago(last.finishedAt, nowMs)}: ${last.reason}`],
    ...loop.waitingTriggers.map(
      (trigger) =>
        [
          'trigger',
          `${trigger.cause}: ${trigger.reason}${trigger.waitsFor ? ` (waits: ${trigger.waitsFor})` : ''}`,
        ] as const,
    ),
    ['cool-down', loop.cooldownUntil && `until ${eventTime(loop.cooldownUntil)} in event time`],
    ['waits for', loop.waitsFor],
  ]);
}

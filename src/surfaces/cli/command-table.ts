import type { CommandGroup, CommandSpec } from './command.ts';
import { clearingCommands } from './commands/clearing.spec.ts';
import { evidenceCommands } from './commands/evidence.spec.ts';
import { loopCommands } from './commands/loop.spec.ts';
import { modelCommands } from './commands/model.spec.ts';
import { monitoringCommands } from './commands/monitoring.spec.ts';
import { trafficCommands } from './commands/traffic.spec.ts';
import { transferCommands } from './commands/transfer.spec.ts';
import { workCommands } from './commands/work.spec.ts';

/** Every command, in the order of help. Their code is not loaded. */
export const commandGroups: readonly CommandGroup[] = [
  { title: 'Loops and their turns', commands: loopCommands },
  { title: 'Data, models and endpoints', commands: modelCommands },
  { title: 'Traffic and rollouts', commands: trafficCommands },
  { title: 'Watching', commands: monitoringCommands },
  { title: 'Work under way', commands: workCommands },
  { title: 'Evidence', commands: evidenceCommands },
  { title: 'Clearing up', commands: clearingCommands },
  { title: 'Moving in and out', commands: transferCommands },
];

export const commands: readonly CommandSpec[] = commandGroups.flatMap((group) => group.commands);

/** The command that a call begins with, and the words behind its name. */
export function commandOf(
  words: readonly string[],
): { readonly spec: CommandSpec; readonly words: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const spec = commands.find((command) => command.name === name);
    if (spec) return { spec, words: words.slice(length) };
  }
  return undefined;
}

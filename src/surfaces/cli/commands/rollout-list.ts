import type { CommandCall } from '../command.ts';
import { type EndpointRollout, endpointRolloutSchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, more } from '../format/text.ts';
import { limitOf } from './limit-of.ts';
import { step, what } from './rollouts.ts';

/** `millrace rollout list [--all] [--state <state>] [--endpoint <endpoint>] [--model <model>] [--text <text>] [--order oldest]` */
export async function listRollouts(call: CommandCall): Promise<undefined> {
  const all = call.has('all');
  const asked = ['state', 'endpoint', 'model', 'text', 'order'].flatMap((name) => {
    const value = call.option(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const query = { state: all ? 'all' : 'open', ...Object.fromEntries(asked) };
  const list = await call.api.list('rollouts', endpointRolloutSchema, limitOf(call, 50), query);
  call.show(list, () => {
    const isFiltered = asked.some(([name]) => name !== 'order');
    if (list.items.length === 0 && isFiltered) return 'No such rollout.';
    if (list.items.length === 0)
      return `No rollout${all ? ' yet' : ' under way (--all: those that have ended)'}.`;
    return (
      table(
        [
          { head: 'endpoint', value: (rollout) => rollout.endpoint },
          { head: 'model', value: (rollout) => rollout.model },
          { head: 'what', value: titleOf },
          { head: 'state', value: (rollout) => rollout.turn?.state ?? rollout.state },
          { head: 'arms', value: armsOf },
          { head: 'step', value: step },
          { head: 'since', value: (rollout) => ago(rollout.step.since, call.nowMs) },
          { head: 'ahead', value: aheadOf },
          { head: 'verdict so far', value: (rollout) => rollout.summary.verdict },
          { head: 'waits for, or why it ended', value: (rollout) => rollout.reason },
        ],
        list.items,
        call.width,
      ) + more(list.items.length, list.next)
    );
  });
}

const titleOf = (rollout: EndpointRollout): string =>
  rollout.turn ? `turn ${rollout.turn.number} of loop ${rollout.turn.loop}` : what(rollout);

function armsOf({ look, championVersion }: EndpointRollout): string {
  const seen = look?.arms.map(({ arm, version }) => `${arm} ${version}`);
  return (seen ?? [`champion ${championVersion}`]).join(', ');
}

function aheadOf({ summary: { leads, isKnown } }: EndpointRollout): string {
  if (leads === null) return 'nobody yet';
  return isKnown ? `${leads} (known)` : `${leads} so far`;
}

import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import {
  type EndpointRollout,
  endpointRolloutSchema,
  loopSchema,
  type Rollout,
  type Turn,
  turnSchema,
} from '../contract.ts';
import { table } from '../format/table.ts';
import { ago, more, none } from '../format/text.ts';
import { comparisonLine } from './comparison-line.ts';
import { limitOf } from './limit-of.ts';
import { step, what } from './rollouts.ts';

/** A rollout as a line: one that a person began, or that of a loop's turn. */
interface Line {
  readonly endpoint: string;
  readonly what: string;
  readonly state: string;
  readonly arms: string;
  readonly step: string;
  readonly verdict: string;
  readonly since: string;
}

/** Loops that are looked through for turns with a rollout. */
const manyLoops = 500;

/** `millrace rollout list [--all] [--state <state>] [--endpoint <endpoint>]` */
export async function listRollouts(call: CommandCall): Promise<undefined> {
  const all = call.has('all');
  const [state, endpoint] = [call.option('state'), call.option('endpoint')];
  const query = { state: state ?? (all ? 'all' : 'open'), ...(endpoint === undefined ? {} : { endpoint }) };
  const list = await call.api.list('rollouts', endpointRolloutSchema, limitOf(call, 50), query);
  // Turns have states of their own.
  const underWay = state === undefined ? await turnsUnderWay(call) : [];
  const turns = underWay.filter((turn) => endpoint === undefined || turn.endpoint === endpoint);
  call.show({ ...list, turns }, () => {
    const lines = [...turns.flatMap(lineOfTurn), ...list.items.map(lineOfRollout)];
    if (lines.length === 0 && (state ?? endpoint) !== undefined) return 'No such rollout.';
    if (lines.length === 0) return `No rollout${all ? ' yet' : ' under way (--all: those that have ended)'}.`;
    return (
      table(
        [
          { head: 'endpoint', value: (line) => line.endpoint },
          { head: 'what', value: (line) => line.what },
          { head: 'state', value: (line) => line.state },
          { head: 'arms', value: (line) => line.arms },
          { head: 'step', value: (line) => line.step },
          { head: 'since', value: (line) => ago(line.since, call.nowMs) },
          { head: 'verdict so far', value: (line) => line.verdict },
        ],
        lines,
        call.width,
      ) + more(list.items.length, list.next)
    );
  });
}

/** Turns of loops whose challenger has copies or traffic, by the name of the loop. */
async function turnsUnderWay({ api }: CommandCall): Promise<readonly Turn[]> {
  const { items } = await api.list('loops', loopSchema, manyLoops);
  const active = items.flatMap((loop) => (loop.activeTurn ? [loop.activeTurn] : []));
  const turns = await Promise.all(active.map(({ id }) => api.get(`turns/${part(id)}`, turnSchema)));
  return turns.filter((turn) => turn.rollout !== null);
}

function lineOfRollout(rollout: EndpointRollout): Line {
  const { endpoint, state, championVersion, look } = rollout;
  const seen = look?.arms.map(({ arm, version }) => `${arm} ${version}`) ?? [`champion ${championVersion}`];
  return {
    ...{ endpoint, state, what: what(rollout), arms: seen.join(', ') },
    step: step(rollout),
    verdict: verdictOf(look, rollout.reason),
    since: rollout.step.since,
  };
}

function lineOfTurn({ endpoint, state, loop, number, rollout, ...turn }: Turn): readonly Line[] {
  if (!rollout) return [];
  return [
    {
      ...{ endpoint, state, what: `turn ${number} of loop ${loop}` },
      arms: `champion ${turn.championVersion ?? none}, challenger ${turn.challengerVersion ?? none}`,
      step: rollout.stage === 'shadow' ? 'in shadow' : `at ${Number(rollout.percent.toFixed(2))} %`,
      verdict: verdictOf(rollout, rollout.reason),
      since: rollout.since,
    },
  ];
}

/** What outcomes say over all requests; before they say anything, what is waited for. */
function verdictOf(look: Pick<Rollout, 'comparisons'> | null, reason: string): string {
  const overall = look?.comparisons.filter((c) => c.segment === null && c.difference !== null) ?? [];
  return overall.length === 0 ? reason : overall.map(comparisonLine).join('; ');
}

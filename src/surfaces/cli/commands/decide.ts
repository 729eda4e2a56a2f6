import { part } from '../api.ts';
import type { Command } from '../command.ts';
import { turnSchema } from '../contract.ts';
import { turnName, turnNamed } from './turn-named.ts';

const done = {
  approve: 'is approved',
  reject: 'is rejected',
  abort: 'is aborted',
  retry: 'goes on',
} as const;

/** `millrace approve|reject|abort|retry <turn> --reason` */
export function decide(what: keyof typeof done): Command {
  return async ({ api, at, needed, show }) => {
    const { id } = await turnNamed(api, at(0));
    const turn = await api.post(`turns/${part(id)}/${what}`, { reason: needed('reason') }, turnSchema);
    // The loop moves on by itself, a moment later.
    const now = turn.state === 'awaiting-approval' ? '' : ` It is ${turn.state}: ${turn.reason}`;
    show(turn, () => `Turn ${turnName(turn)} ${done[what]}.${now}`);
    return undefined;
  };
}

import { part } from '../api.ts';
import type { Command } from '../command.ts';
import { loopSchema } from '../contract.ts';

/** `millrace pause|resume <loop> --reason` */
export function hold(what: 'pause' | 'resume'): Command {
  return async ({ api, at, needed, show }) => {
    const loop = await api.post(`loops/${part(at(0))}/${what}`, { reason: needed('reason') }, loopSchema);
    const now = loop.state === 'paused' ? 'paused; "millrace resume" lets it go on' : 'active';
    show(loop, () => `Loop ${loop.name} is ${now}.`);
    return undefined;
  };
}

import { Cron } from 'croner';
import { fail } from '../../core/errors.ts';

/** Where the search for the latest time begins: so far before its end, then twice as far. */
const firstSpanMs = 60_000;

/**
 * The first time after `afterMs` of a cron expression that somebody declares: five fields, six with seconds first, or
 * `@daily` and its like. Throws `invalid_input` for anything else, also for a single date or a line with a year, which
 * come once and never again, and for what never comes.
 *
 * @param timezone of IANA
 * @param field where it was given, for the message
 */
export function firstCronMs(cron: string, timezone: string, afterMs: number, field = 'cron'): number {
  if (!/^(@\w+|\S+(\s+\S+){4,5})$/.test(cron.trim())) {
    const problem = `"${cron}" is not a cron expression of five fields (minute hour day month weekday), or six with seconds first`;
    throw fail('invalid_input', { field, problem });
  }
  let next: number | null;
  try {
    next = nextCronMs(cron, timezone, afterMs);
  } catch (error) {
    const problem = `"${cron}" is not a cron expression (${error instanceof Error ? error.message : error})`;
    throw fail('invalid_input', { field, problem });
  }
  if (next === null) throw fail('invalid_input', { field, problem: `"${cron}" names no time in the future` });
  return next;
}

/** The same for one that was stored, perhaps by an earlier version: null when it does not come again. */
export function nextCronMs(cron: string, timezone: string, afterMs: number): number | null {
  return nextOf(parsed(cron, timezone), afterMs);
}

/** The latest time of a stored expression after `afterMs` and not after `untilMs`; null: it did not come due. */
export function lastCronMs(cron: string, timezone: string, afterMs: number, untilMs: number): number | null {
  const times = parsed(cron, timezone);
  // Years of seconds are not gone through one by one.
  for (let spanMs = firstSpanMs; ; spanMs *= 2) {
    const fromMs = Math.max(afterMs, untilMs - spanMs);
    let last: number | null = null;
    for (let next = nextOf(times, fromMs); next !== null && next <= untilMs; next = nextOf(times, next)) {
      last = next;
    }
    if (last !== null || fromMs === afterMs) return last;
  }
}

function parsed(cron: string, timezone: string): Cron {
  return new Cron(cron, { timezone, paused: true });
}

function nextOf(times: Cron, afterMs: number): number | null {
  return times.nextRun(new Date(afterMs))?.getTime() ?? null;
}

import type { LimitAnswer, LimitUse } from './messages.ts';
import { Pool } from './pool.ts';

/** What the hub needs of a process: `cluster.Worker` is one. */
export interface LimitMember {
  send(message: LimitAnswer, done: (error: Error | null) => void): unknown;
  on(event: 'message', listener: (message: LimitUse) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
}

interface Shared {
  readonly pool: Pool;
  /** Units that each process has, in use or not. */
  readonly held: Map<LimitMember, number>;
  /** Processes that may have units that are not in use. */
  readonly keepers: Set<LimitMember>;
  /** Processes that were told to give back what they do not use and have not answered. */
  readonly recalled: Set<LimitMember>;
  readonly asks: { readonly member: LimitMember; readonly wanted: number }[];
  timer: NodeJS.Timeout | null;
}

/** A process that does not answer a recall by then is not waited for: it is busy, and so may be its units. */
const recallMs = 50;
/** Where more than this share is free, a process gets some in advance and keeps what comes free. */
const plenty = 0.5;

/**
 * Keeps the counts of limits for processes that share them, so that a limit holds for all of them together. Each gets
 * units to use without asking as long as there are plenty; where they become scarce, those that others do not use are
 * called back before anybody is refused. A process that ends has nothing any more.
 */
export class LimitHub {
  readonly #members = new Set<LimitMember>();
  readonly #shared = new Map<string, Shared>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  add(member: LimitMember): void {
    this.#members.add(member);
    member.on('message', (message) => {
      if (message.type === 'limit-use') this.#onUse(member, message);
    });
    member.on('exit', () => this.#onExit(member));
  }

  #onUse(member: LimitMember, { spec, wanted, spent, returned, recalled }: LimitUse): void {
    let shared = this.#shared.get(spec.name);
    if (!shared) {
      const pool = new Pool(spec, this.#nowMs());
      shared = { pool, held: new Map(), keepers: new Set(), recalled: new Set(), asks: [], timer: null };
      this.#shared.set(spec.name, shared);
    }
    const { pool, held } = shared;
    pool.spend(spent);
    pool.giveBack(returned);
    const left = (held.get(member) ?? 0) - spent - returned;
    if (left > 0) held.set(member, left);
    else held.delete(member);
    if (recalled) shared.recalled.delete(member);
    if (wanted > 0) shared.asks.push({ member, wanted });
    this.#serve(shared);
  }

  #onExit(member: LimitMember): void {
    this.#members.delete(member);
    for (const shared of this.#shared.values()) {
      const { pool, held, keepers, recalled, asks } = shared;
      const units = held.get(member) ?? 0;
      // Nobody knows how much of a rate it has used: all of it then.
      if (pool.spec.kind === 'rate') pool.spend(units);
      else pool.giveBack(units);
      for (const part of [held, keepers, recalled]) part.delete(member);
      asks.splice(0, asks.length, ...asks.filter((ask) => ask.member !== member));
      this.#serve(shared);
    }
  }

  #serve(shared: Shared): void {
    const { pool, held, keepers, recalled, asks } = shared;
    while (asks[0] && recalled.size === 0) {
      const { member, wanted } = asks[0];
      const nowMs = this.#nowMs();
      const free = pool.available(nowMs);
      if (free < wanted && this.#recall(shared, member)) return;
      asks.shift();
      const keep = free >= pool.capacity * plenty;
      const more = keep ? Math.floor(free / (4 * this.#members.size)) : 0;
      const units = Math.min(free, wanted + more);
      pool.take(units);
      held.set(member, (held.get(member) ?? 0) + units);
      if (keep) keepers.add(member);
      const waitMs = units < wanted ? pool.waitMs(nowMs) : 0;
      tell(member, { type: 'limit-granted', name: pool.spec.name, units, keep, waitMs });
    }
  }

  /** Calls back what others may have and not use; whether there is anybody to wait for. */
  #recall(shared: Shared, asker: LimitMember): boolean {
    const { pool, held, keepers, recalled } = shared;
    for (const member of keepers) {
      if (member === asker) continue;
      keepers.delete(member);
      if (!held.has(member)) continue;
      recalled.add(member);
      tell(member, { type: 'limit-recall', name: pool.spec.name });
    }
    if (recalled.size === 0) return false;
    if (shared.timer) clearTimeout(shared.timer);
    shared.timer = setTimeout(() => {
      recalled.clear();
      this.#serve(shared);
    }, recallMs).unref();
    return true;
  }
}

function tell(member: LimitMember, message: LimitAnswer): void {
  member.send(message, () => undefined);
}

import type { Limit, LimitSource, LimitSpec } from './limit.ts';
import type { LimitAnswer, LimitUse } from './messages.ts';

/** What the limits of a process need of it: `process` of a forked one has it. */
export interface LimitChannel {
  send(message: LimitUse, done: (error: Error | null) => void): unknown;
  on(event: 'message', listener: (message: LimitAnswer) => void): unknown;
}

/** So long after there was nothing, nobody is asked again. */
const emptyMs = 2;

/** Limits that a process shares with others; see LimitHub. */
export function leasedLimits(channel: LimitChannel): LimitSource {
  const leases = new Map<string, Lease>();
  channel.on('message', (message) => {
    if (message.type === 'limit-granted' || message.type === 'limit-recall') {
      leases.get(message.name)?.receive(message);
    }
  });
  return (spec) => {
    const known = leases.get(spec.name);
    if (known) return known;
    const lease = new Lease(spec, channel);
    leases.set(spec.name, lease);
    return lease;
  };
}

/** What a process has of a shared limit. */
class Lease implements Limit {
  readonly #spec: LimitSpec;
  readonly #channel: LimitChannel;
  /** Units to use without asking. */
  #idle = 0;
  #spent = 0;
  #returned = 0;
  #keep = false;
  #asked = false;
  #telling = false;
  #emptyUntilMs = 0;
  #emptyWaitMs = 0;
  #waiting: ((waitMs: number) => void)[] = [];

  constructor(spec: LimitSpec, channel: LimitChannel) {
    this.#spec = spec;
    this.#channel = channel;
  }

  take(): number | Promise<number> {
    if (this.#idle > 0) {
      this.#use();
      return 0;
    }
    if (performance.now() < this.#emptyUntilMs) return this.#emptyWaitMs;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#ask();
    });
  }

  leave(): void {
    if (this.#spec.kind === 'rate') return;
    if (this.#waiting.length > 0) this.#waiting.shift()?.(0);
    else if (this.#keep) this.#idle++;
    else {
      this.#returned++;
      this.#tellSoon();
    }
  }

  receive(message: LimitAnswer): void {
    if (message.type === 'limit-recall') {
      this.#keep = false;
      this.#returned += this.#idle;
      this.#idle = 0;
      this.#send(0, true);
      return;
    }
    this.#asked = false;
    this.#keep = message.keep;
    this.#idle += message.units;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) {
      if (this.#idle > 0) {
        this.#use();
        resolve(0);
      } else if (message.waitMs > 0) resolve(message.waitMs);
      else this.#waiting.push(resolve);
    }
    if (message.waitMs > 0) {
      this.#emptyWaitMs = message.waitMs;
      this.#emptyUntilMs = performance.now() + Math.min(emptyMs, message.waitMs);
    }
    this.#ask();
    // More than was wanted and not to be kept: those who waited had what came free here.
    if (this.#keep || this.#idle === 0) return;
    this.#returned += this.#idle;
    this.#idle = 0;
    this.#tellSoon();
  }

  #use(): void {
    this.#idle--;
    if (this.#spec.kind === 'rate') this.#spent++;
  }

  /** Asks for all who wait, once. */
  #ask(): void {
    if (this.#asked || this.#waiting.length === 0) return;
    this.#asked = true;
    this.#send(this.#waiting.length, false);
  }

  /** Tells in one message what comes free in one turn of the event loop. */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    setImmediate(() => {
      this.#telling = false;
      if (this.#returned > 0) this.#send(0, false);
    });
  }

  #send(wanted: number, recalled: boolean): void {
    const [spent, returned] = [this.#spent, this.#returned];
    this.#spent = 0;
    this.#returned = 0;
    const spec = this.#spec;
    this.#channel.send({ type: 'limit-use', spec, wanted, spent, returned, recalled }, () => undefined);
  }
}

import { performance } from 'node:perf_hooks';
import { type Collect, collector } from './collector.ts';
import { memoryUsage } from './memory-usage.ts';

const everyMs = 1000;
/** A process that computes for less than this part of a second has next to no callers who would wait for the pause. */
const idleUtilization = 0.01;
/** What must have gathered since the last time: less is not worth a pause of some 50 ms. */
const worthBytes = 64 * 1024 * 1024;

/** What it looks at, and what it does. */
interface QuietCollectionPorts {
  /** 0 where the system cannot tell. */
  readonly residentBytes: () => number;
  /** Has the process had next to nothing to do since it was last asked? */
  readonly isIdle: () => boolean;
  readonly collect: Collect;
}

/**
 * Gives memory back after changes that leave much of it unused, for a process whose callers wait for no pause: once
 * changes and requests have ceased for a second, and only where enough has gathered. V8 alone would keep it: there is
 * no reason for it to collect in a process that does nothing.
 */
export class QuietCollection {
  readonly #ports: QuietCollectionPorts;
  #leastBytes: number;
  #timer: NodeJS.Timeout | null = null;
  #hasChanged = false;

  constructor(ports: QuietCollectionPorts = ownProcess()) {
    this.#ports = ports;
    this.#leastBytes = ports.residentBytes();
  }

  /** Something was changed, and what was there before is not needed any more. */
  changed(): void {
    this.#hasChanged = true;
    this.#timer ??= setInterval(() => this.look(), everyMs).unref();
  }

  /** What it does every second after a change, until it was quiet for one. */
  look(): void {
    const isQuiet = this.#ports.isIdle() && !this.#hasChanged;
    this.#hasChanged = false;
    if (!isQuiet) return;
    this.close();
    if (this.#ports.residentBytes() - this.#leastBytes < worthBytes) return;
    this.#ports.collect();
    this.#leastBytes = this.#ports.residentBytes();
  }

  /** Looks no more, until the next change. */
  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }
}

function ownProcess(): QuietCollectionPorts {
  let collect: Collect | undefined;
  let before = performance.eventLoopUtilization();
  return {
    residentBytes: () => memoryUsage()?.rss ?? 0,
    isIdle: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization < idleUtilization;
    },
    collect: () => {
      collect ??= collector();
      collect();
    },
  };
}

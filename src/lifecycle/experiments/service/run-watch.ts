import type { Logger } from '../../../platform/log/index.ts';
import { Recurring } from '../../../platform/recurring/index.ts';
import { markLost, type SilentRun, silentRuns, touchRuns } from '../store/run-life.ts';
import { announce, type ExperimentsDeps } from './context.ts';

/** How many runs one look marks in one transaction. */
const runsAtOnce = 100;
const shortestTickMs = 1000;
const longestTickMs = 60_000;

interface RunWatchOptions {
  /** How long a run may write nothing; 0: for ever. */
  readonly lostAfterMs: number;
  /** Whether the step that made a run is still at work: then the run is alive, however silent. */
  readonly isStepRunning: (stepRunId: string) => Promise<boolean>;
  readonly log: Logger;
}

/**
 * Sees runs that died: whoever ends a run says so, and one that is killed says nothing. A run that has written
 * nothing for long is lost, and running again when it writes. Time in which the server was away does not count.
 */
export class RunWatch {
  readonly #deps: ExperimentsDeps;
  readonly #options: RunWatchOptions;
  #startedAtMs: number;
  readonly #ticks = new Recurring();

  constructor(deps: ExperimentsDeps, options: RunWatchOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#startedAtMs = deps.clock.nowMs();
  }

  start(): void {
    const { lostAfterMs, log } = this.#options;
    if (lostAfterMs === 0) return;
    this.#startedAtMs = this.#deps.clock.nowMs();
    const everyMs = Math.min(Math.max(lostAfterMs / 4, shortestTickMs), longestTickMs);
    this.#ticks.start({ everyMs, doing: 'looking for runs that died', run: () => this.look(), log });
  }

  stop(): void {
    this.#ticks.stop();
  }

  /** Looks once. Returns how many runs are newly lost. */
  async look(): Promise<number> {
    const { db, clock } = this.#deps;
    const { lostAfterMs, isStepRunning } = this.#options;
    const nowMs = clock.nowMs();
    if (lostAfterMs === 0 || nowMs - this.#startedAtMs < lostAfterMs) return 0;
    let lost = 0;
    for (;;) {
      const found = await silentRuns(db.read, nowMs - lostAfterMs, runsAtOnce);
      const alive: string[] = [];
      const silent: SilentRun[] = [];
      for (const run of found) {
        if (run.stepRunId !== null && (await isStepRunning(run.stepRunId))) alive.push(run.id);
        else silent.push(run);
      }
      await db.write(async (tx) => {
        await touchRuns(tx, alive, nowMs);
        for (const run of silent) {
          if (!(await markLost(tx, run))) continue;
          lost++;
          const data = { experimentId: String(run.experimentId), stepRunId: run.stepRunId };
          await announce(this.#deps, tx, 'run.lost', run.id, data);
        }
      });
      if (found.length < runsAtOnce) return lost;
    }
  }
}

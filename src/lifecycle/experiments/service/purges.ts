import { formatTime, parseDuration } from '../../../core/time.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { Recurring } from '../../../platform/recurring/index.ts';
import type { PurgeInputs } from '../contract/life.ts';
import { oldestTrashMs } from '../store/trash.ts';
import { parseExperimentId } from '../validation.ts';
import { audit, type ExperimentsDeps } from './context.ts';

const tickMs = 3_600_000;
const dayMs = 86_400_000;

interface PurgesOptions {
  /** How long deleted things are kept; 0: until somebody asks for a purge. */
  readonly purgeAfterMs: number;
  /** Enqueues the step `purge` in the transaction; the same key again does nothing. */
  readonly start: (tx: Tx, inputs: PurgeInputs, key?: string) => Promise<string>;
  readonly log: Logger;
}

/** Starts purges: when somebody asks, and once a day when something is due. */
export class Purges {
  readonly #deps: ExperimentsDeps;
  readonly #options: PurgesOptions;
  readonly #ticks = new Recurring();

  constructor(deps: ExperimentsDeps, options: PurgesOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  start(): void {
    const { purgeAfterMs, log } = this.#options;
    if (purgeAfterMs === 0) return;
    this.#ticks.start({ everyMs: tickMs, doing: 'starting a purge', run: () => this.tick(), log });
  }

  stop(): void {
    this.#ticks.stop();
  }

  /** Starts a purge when something is due; the next one on another day at the earliest. */
  async tick(): Promise<void> {
    const { db, clock } = this.#deps;
    const { purgeAfterMs: olderThanMs, start } = this.#options;
    const nowMs = clock.nowMs();
    const oldestMs = await oldestTrashMs(db.read);
    if (olderThanMs === 0 || oldestMs === null || oldestMs > nowMs - olderThanMs) return;
    const inputs = { dryRun: false, olderThanMs, experimentIds: null };
    await db.write((tx) => start(tx, inputs, `purge/${Math.floor(nowMs / dayMs)}`));
  }

  /** Starts a purge and returns its step run. Throws `invalid_duration`, `tracking_invalid` for a wrong id. */
  async ask(
    actor: Actor,
    request: {
      readonly dryRun: boolean;
      readonly olderThan?: string | undefined;
      readonly experimentIds?: readonly string[] | undefined;
    },
  ): Promise<string> {
    authorize(actor, 'pipelines:write');
    const olderThanMs =
      request.olderThan === undefined
        ? this.#options.purgeAfterMs
        : request.olderThan === '0'
          ? 0
          : parseDuration(request.olderThan, 'olderThan');
    const experimentIds = request.experimentIds?.map(parseExperimentId) ?? null;
    const inputs = { dryRun: request.dryRun, olderThanMs, experimentIds };
    return this.#deps.db.write(async (tx) => {
      const id = await this.#options.start(tx, inputs);
      if (!request.dryRun) {
        const action = 'trash:ask-purge';
        await audit(this.#deps, tx, {
          actor,
          action,
          kind: 'step-run',
          id,
          before: undefined,
          after: inputs,
        });
      }
      return id;
    });
  }

  /** When something deleted then may go for good by itself. */
  purgeableAt(deletedAtMs: number): string | null {
    const { purgeAfterMs } = this.#options;
    return purgeAfterMs === 0 ? null : formatTime(deletedAtMs + purgeAfterMs);
  }
}

import { formatTime, parseDuration } from '../../core/time.ts';
import { type LoopFile, overridesSchema } from '../contract.ts';
import type { LoopRow, TriggerRow } from '../store/tables.ts';

/** What the next turn starts from, and why the rest waits. */
export interface Choice {
  /** The trigger that starts a turn now, if any. */
  readonly start: TriggerRow | undefined;
  /** Others that the same turn answers. */
  readonly merge: readonly TriggerRow[];
  /** Why the others wait, by trigger id. */
  readonly waitsFor: ReadonlyMap<string, string>;
}

/**
 * Chooses what the next turn starts from. People go first and need not wait for the cool-down; what one of them
 * asked for with changes of its own gets its own turn, everything else is answered by one.
 */
export function chooseTrigger(
  waiting: readonly TriggerRow[],
  loop: LoopRow,
  file: LoopFile,
  watermarkMs: number | undefined,
  activeTurn: number | undefined,
): Choice {
  const waitsFor = new Map<string, string>();
  const untilMs = cooldownUntilMs(loop, file, watermarkMs);
  const ready = waiting.filter((trigger) => {
    if (loop.state === 'paused') waitsFor.set(trigger.id, 'the loop is paused');
    else if (activeTurn !== undefined) waitsFor.set(trigger.id, `turn ${activeTurn} is under way`);
    else if (
      !isByHand(trigger) &&
      untilMs !== undefined &&
      watermarkMs !== undefined &&
      watermarkMs < untilMs
    ) {
      waitsFor.set(trigger.id, `cool-down until ${formatTime(untilMs)}`);
    } else return true;
    return false;
  });
  const start = ready.find(isByHand) ?? ready[0];
  if (!start) return { start: undefined, merge: [], waitsFor };
  const merge = isExperiment(start)
    ? []
    : ready.filter((trigger) => trigger !== start && !isExperiment(trigger));
  for (const trigger of ready) {
    if (trigger !== start && !merge.includes(trigger)) waitsFor.set(trigger.id, 'the turn before it');
  }
  return { start, merge, waitsFor };
}

/**
 * Event time before which nothing but a person starts a turn; undefined when there is no such time. It counts from the
 * start of the last turn that was no experiment, or that made a champion. A start that lies in the future (the stream was live then and is replayed now) does not count.
 */
export function cooldownUntilMs(
  loop: LoopRow,
  file: LoopFile,
  watermarkMs: number | undefined,
): number | undefined {
  const startMs = loop.last_start_event_ms;
  if (startMs === null || watermarkMs === undefined || startMs > watermarkMs) return undefined;
  return startMs + parseDuration(file.improve.retrain.cooldown);
}

function isByHand(trigger: TriggerRow): boolean {
  return trigger.cause === 'manual' || trigger.cause === 'first';
}

/**
 * Whether a trigger asks for a turn with rows, parameters or a command of its own. Such a turn is no answer to what the
 * loop itself found: it neither takes other triggers with it nor delays them, unless it makes a new champion.
 */
export function isExperiment(trigger: Pick<TriggerRow, 'overrides'>): boolean {
  return Object.keys(overridesSchema.parse(JSON.parse(trigger.overrides))).length > 0;
}

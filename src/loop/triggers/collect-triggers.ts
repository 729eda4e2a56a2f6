import { formatTime } from '../../core/time.ts';
import { lastCronMs } from '../../platform/jobs/index.ts';
import type { LoopFile, TriggerCause } from '../contract.ts';
import type { OpenAlert } from '../ports.ts';
import type { LoopRow } from '../store/tables.ts';

/** A reason to train again that the loop found by itself. */
export interface Found {
  readonly cause: TriggerCause;
  /** What it came from; the same source gives one trigger however often it is found. */
  readonly source: string;
  readonly reason: string;
}

/** What may call for a new model, as it is at a watermark. */
export interface Evidence {
  readonly loop: LoopRow;
  readonly file: LoopFile;
  readonly championVersion: number;
  readonly watermarkMs: number;
  readonly alerts: readonly OpenAlert[];
  /** Asked only when the loop file counts labels. */
  readonly labelCount: number;
}

/**
 * Looks at everything that may call for a new model. An alert that stays open calls again after each turn that was no
 * experiment, if a window that ended after that turn's start still says so: the first answer to it may have been
 * rejected.
 */
export function collectTriggers(evidence: Evidence): readonly Found[] {
  return [...fromAlerts(evidence), ...fromSchedule(evidence), ...fromLabels(evidence)];
}

function fromAlerts({ loop, file, championVersion, watermarkMs, alerts }: Evidence): readonly Found[] {
  const startMs = loop.last_start_event_ms ?? Number.POSITIVE_INFINITY;
  const since = startMs > watermarkMs ? Number.NEGATIVE_INFINITY : startMs;
  return alerts
    .filter((alert) => file.improve.retrain.on.includes(alert.cause))
    .filter((alert) => alert.modelVersion === String(championVersion) && alert.lastWindowEndMs > since)
    .map((alert) => ({
      cause: alert.cause,
      source: `alert/${alert.id}/${loop.last_start_event_ms ?? 'first'}`,
      reason: `${alert.cause}: ${alert.reason}`,
    }));
}

function fromSchedule({ loop, file, watermarkMs }: Evidence): readonly Found[] {
  const { on, schedule } = file.improve.retrain;
  if (!on.includes('schedule') || schedule === undefined || loop.scheduled_ms === null) return [];
  const dueMs = lastCronMs(schedule, 'UTC', loop.scheduled_ms, watermarkMs);
  if (dueMs === null) return [];
  const due = formatTime(dueMs);
  return [{ cause: 'schedule', source: `schedule/${due}`, reason: `schedule ${schedule} was due at ${due}` }];
}

function fromLabels({ loop, file, labelCount }: Evidence): readonly Found[] {
  const { on, labels } = file.improve.retrain;
  if (!on.includes('labels') || labels === undefined) return [];
  const fresh = labelCount - loop.last_labels;
  if (fresh < labels) return [];
  const reason = `${fresh.toLocaleString('en-US')} new labels since the last turn, ${labels.toLocaleString('en-US')} were asked for`;
  return [{ cause: 'labels', source: `labels/after ${loop.last_labels}`, reason }];
}

import { parseDuration } from '../../core/time.ts';
import { systemActor } from '../../platform/access/index.ts';
import type { PendingWork } from '../contract.ts';
import type { LoopRecord } from '../read.ts';
import { updateLoop } from '../store/loops.ts';
import type { EngineDeps } from './loop-engine.ts';
import type { Moment } from './loop-writer.ts';

const dayMs = 86_400_000;

/**
 * Has windows closed and matured up to the watermark: at each advance of a replay, and live whenever a day has
 * ended or its labels are due. Returns the work under way, `changed` when something was written, else undefined.
 */
export async function bringUpMonitoring(
  deps: EngineDeps,
  { row, file }: LoopRecord,
  moment: Moment & { readonly live: boolean },
): Promise<PendingWork | 'changed' | undefined> {
  if (row.monitor_step_id !== null)
    return finishStep(deps, row.name, row.monitor_step_id, row.monitor_target_ms);
  const { watermarkMs, live } = moment;
  if (watermarkMs === undefined) return undefined;
  const delaysMs = [0, parseDuration(file.data.label.delay)];
  if (!isDue(row.monitored_ms, watermarkMs, live, delaysMs)) return undefined;
  const champion = await deps.ports.registry.champion(row.name);
  if (!champion) return undefined;
  await deps.db.write(async (tx) => {
    const stepRunId = await deps.pipelines.start(tx, {
      kind: 'monitor',
      inputs: { endpoint: row.endpoint },
      subject: row.name,
    });
    await updateLoop(tx, row.name, { monitor_step_id: stepRunId, monitor_target_ms: watermarkMs });
  });
  return 'changed';
}

async function finishStep(deps: EngineDeps, loop: string, stepRunId: string, targetMs: number | null) {
  const step = await deps.pipelines.get(systemActor, stepRunId);
  if (step.status === 'queued' || step.status === 'running') {
    return { kind: 'monitor', what: `monitor ${step.id}` } as const;
  }
  await deps.db.write(async (tx) => {
    await updateLoop(tx, loop, { monitor_step_id: null, monitored_ms: targetMs });
    if (step.status === 'succeeded') return;
    // The next advance tries again; until then no trigger comes from what could not be looked at.
    const data = { stepRunId, reason: step.error?.message ?? step.status };
    const subject = { kind: 'loop', id: loop };
    await deps.journal.appendEvent(tx, { type: 'loop.monitoring-failed', subject, data });
  });
  return 'changed' as const;
}

function isDue(
  doneMs: number | null,
  watermarkMs: number,
  live: boolean,
  delaysMs: readonly number[],
): boolean {
  if (doneMs === null) return true;
  // A stream that was switched from live to replay goes back in time, once.
  if (!live) return watermarkMs !== doneMs;
  const day = (timeMs: number) => Math.floor(timeMs / dayMs);
  return delaysMs.some((delayMs) => day(watermarkMs - delayMs) > day(doneMs - delayMs));
}

import { uuidv7 } from '../../core/ids.ts';
import { parseTime } from '../../core/time.ts';
import { overridesSchema } from '../contract.ts';
import type { LoopRecord } from '../read.ts';
import { giveTriggers, insertTrigger, updateLoop, waitingTriggers } from '../store/loops.ts';
import { appendTransition, insertTurn } from '../store/turns.ts';
import { chooseTrigger, isExperiment } from '../triggers/choose-trigger.ts';
import { collectTriggers } from '../triggers/collect-triggers.ts';
import { newTurnData } from '../turn-data.ts';
import type { EngineDeps } from './loop-engine.ts';
import { type LoopWriter, loopActor, type Moment } from './loop-writer.ts';

/** Records what calls for a new model, and starts a turn if one may start now; else says what the loop waits for. */
export async function startTurn(
  deps: EngineDeps,
  writer: LoopWriter,
  loop: LoopRecord,
  moment: Moment,
): Promise<'changed' | { readonly waitsFor: string }> {
  const { row, file } = loop;
  const champion = await deps.ports.registry.champion(row.name);
  if (champion && (await recordTriggers(deps, loop, champion.version, moment))) return 'changed';
  const waiting = await waitingTriggers(deps.db.read, row.name);
  const { start, merge, waitsFor } = chooseTrigger(waiting, row, file, moment.watermarkMs, undefined);
  if (!start) {
    const first = waiting[0];
    if (first) return { waitsFor: `${waitsFor.get(first.id)}: ${first.reason}` };
    if (champion || row.turns === 0) return { waitsFor: 'traffic and triggers' };
    return { waitsFor: `a person: turn ${row.turns} gave no model; retry it, or start another` };
  }
  const labels = await deps.ports.feedback.labelCount(row.endpoint);
  const overrides = overridesSchema.parse(JSON.parse(start.overrides));
  const fromLog = champion !== undefined && overrides.datasetVersion === undefined;
  // Before there is a model nothing is predicted, and event time means nothing.
  const eventMs = champion ? (moment.watermarkMs ?? null) : null;
  const turn = {
    id: uuidv7(moment.nowMs),
    loop: row.name,
    number: row.turns + 1,
    state: 'preparing' as const,
    revision: 1,
    loop_version: row.version,
    trigger_id: start.id,
    champion_version: champion?.version ?? null,
    challenger_version: null,
    data: JSON.stringify(newTurnData(fromLog ? 'log' : 'version')),
    reason: start.reason,
    started_at_ms: moment.nowMs,
    started_event_ms: eventMs,
    finished_at_ms: null,
    finished_event_ms: null,
  };
  await deps.db.write(async (tx) => {
    await insertTurn(tx, turn);
    await giveTriggers(
      tx,
      [start, ...merge].map((trigger) => trigger.id),
      turn.id,
    );
    await updateLoop(tx, row.name, {
      turns: turn.number,
      active_turn_id: turn.id,
      // An experiment counts only once it has made a champion (`LoopWriter.move`).
      ...(isExperiment(start)
        ? {}
        : { last_start_event_ms: eventMs ?? row.last_start_event_ms, last_labels: labels }),
    });
    await appendTransition(tx, {
      turn_id: turn.id,
      from_state: null,
      to_state: 'preparing',
      at_ms: moment.nowMs,
      event_ms: eventMs,
      actor: start.requested_by,
      reason: start.reason,
      evidence: JSON.stringify({ cause: start.cause, overrides, merged: merge.map((m) => m.reason) }),
    });
    await writer.tell(tx, turn, 'turn.started', loopActor, eventMs ?? undefined, {
      from: null,
      to: 'preparing',
      reason: start.reason,
    });
  });
  return 'changed';
}

/** Writes down new causes. Returns whether there were any. */
async function recordTriggers(
  deps: EngineDeps,
  { row, file }: LoopRecord,
  championVersion: number,
  { nowMs, watermarkMs }: Moment,
): Promise<boolean> {
  if (watermarkMs === undefined) return false;
  const { on } = file.improve.retrain;
  const found = collectTriggers({
    loop: row,
    file,
    championVersion,
    watermarkMs,
    alerts:
      on.includes('drift') || on.includes('performance')
        ? await deps.ports.monitoring.openAlerts(row.endpoint)
        : [],
    labelCount: on.includes('labels') ? await deps.ports.feedback.labelCount(row.endpoint) : 0,
  });
  const due = found
    .filter((f) => f.cause === 'schedule')
    .map((f) => parseTime(f.source.replace('schedule/', '')));
  // Times missed before the schedule was first looked at, or in another time than the present one, do not count.
  const lookedMs =
    row.scheduled_ms === null || row.scheduled_ms > watermarkMs ? watermarkMs : row.scheduled_ms;
  const scheduledMs = Math.max(lookedMs, ...due);
  return deps.db.write(async (tx) => {
    let recorded = false;
    for (const { cause, source, reason } of found) {
      const inserted = await insertTrigger(tx, {
        id: uuidv7(nowMs),
        loop: row.name,
        source,
        cause,
        reason,
        requested_by: `${loopActor.kind}:${loopActor.id}`,
        overrides: '{}',
        at_ms: nowMs,
        event_ms: watermarkMs,
        turn_id: null,
      });
      if (!inserted) continue;
      recorded = true;
      const subject = { kind: 'loop', id: row.name };
      const event = { type: 'loop.triggered', subject, data: { cause, reason }, eventTimeMs: watermarkMs };
      await deps.journal.appendEvent(tx, event);
    }
    if (scheduledMs !== row.scheduled_ms) await updateLoop(tx, row.name, { scheduled_ms: scheduledMs });
    return recorded;
  });
}

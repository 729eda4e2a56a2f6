import { systemActor } from '../../platform/access/index.ts';
import { judgedVersionOf, type LoopRecord, refusedBefore, type TurnRecord } from '../read.ts';
import { turnSteps } from '../store/turns.ts';
import type { EngineDeps } from './loop-engine.ts';
import type { Moment } from './loop-writer.ts';
import type { TurnContext } from './turn-context.ts';

/** Makes what a state's handler sees. */
export function makeTurnContext(
  deps: EngineDeps,
  loop: LoopRecord,
  turn: TurnRecord,
  moment: Moment & { readonly live: boolean },
): TurnContext {
  const { row, data } = turn;
  return {
    id: row.id,
    loop: row.loop,
    number: row.number,
    subject: `${row.loop}/${row.number}`,
    state: turn.state,
    endpoint: loop.row.endpoint,
    model: row.loop,
    file: turn.file,
    codeFiles: turn.codeFiles,
    sourceVersionId: turn.sourceVersionId,
    trigger: turn.trigger,
    overrides: turn.trigger.overrides,
    data,
    challengerVersion: row.challenger_version,
    championVersion: row.champion_version,
    startedEventMs: row.started_event_ms,
    nowMs: moment.nowMs,
    watermarkMs: moment.watermarkMs,
    live: moment.live,
    paused: loop.row.state === 'paused',
    ports: deps.ports,
    watch: deps.watch,
    async step(role) {
      const steps = await turnSteps(deps.db.read, row.id);
      const newest = steps.findLast((step) => step.role === role && step.number > data.stepsBefore);
      return newest && deps.pipelines.get(systemActor, newest.step_run_id);
    },
    async champion() {
      if (row.champion_version === null) return undefined;
      return deps.ports.registry.version(row.loop, row.champion_version);
    },
    refusedBefore: (version) => refusedBefore(deps.db.read, row, version),
    async judgedChampion() {
      if (row.champion_version === null) return undefined;
      const judged = await judgedVersionOf(deps.db.read, row.loop, row.champion_version);
      return deps.ports.registry.version(row.loop, judged);
    },
  };
}

import type { Digest } from '../../core/json.ts';
import { type Tx, tables } from '../../platform/db/index.ts';
import type { TriggerCause, TurnState } from '../contract.ts';

/** A loop as it stands; what it was told is in its versions. */
export interface LoopRow {
  readonly name: string;
  readonly version: number;
  readonly state: 'active' | 'paused';
  readonly endpoint: string;
  readonly dataset_version_id: string;
  /** Number of turns so far. */
  readonly turns: number;
  readonly active_turn_id: string | null;
  readonly created_at_ms: number;
  /** Event time up to which monitoring has been done. */
  readonly monitored_ms: number | null;
  readonly monitor_step_id: string | null;
  readonly monitor_target_ms: number | null;
  /** Event time up to which the schedule has been looked at. */
  readonly scheduled_ms: number | null;
  /** Event time at which the last turn started that was no experiment, or made a champion; the cool-down counts from it. */
  readonly last_start_event_ms: number | null;
  /** Labels received when the last turn started that was no experiment. */
  readonly last_labels: number;
  /** The registry's champion that the endpoint was last made to follow. */
  readonly followed_version: number | null;
}

/** A loop file as it was applied; `file` is it parsed, with every default, `files` its code by digest. */
export interface LoopVersionRow {
  readonly loop: string;
  readonly version: number;
  readonly text: string;
  readonly file: string;
  readonly files: string;
  readonly digest: Digest;
  readonly dataset_version_id: string;
  readonly applied_at_ms: number;
  readonly applied_by: string;
}

/** A reason to train again. */
export interface TriggerRow {
  readonly id: string;
  readonly loop: string;
  /** What it came from; a second trigger of the same source is not recorded. */
  readonly source: string;
  readonly cause: TriggerCause;
  readonly reason: string;
  readonly requested_by: string;
  readonly overrides: string;
  readonly at_ms: number;
  readonly event_ms: number | null;
  /** The turn that it started or was merged into; null while it waits. */
  readonly turn_id: string | null;
}

/**
 * A turn; `data` is what it has found out (`TurnData`). `revision` counts its changes, so that none is overwritten
 * unseen.
 */
export interface TurnRow {
  readonly id: string;
  readonly loop: string;
  readonly number: number;
  readonly state: TurnState;
  readonly revision: number;
  readonly loop_version: number;
  readonly trigger_id: string;
  readonly champion_version: number | null;
  readonly challenger_version: number | null;
  readonly data: string;
  readonly reason: string;
  readonly started_at_ms: number;
  readonly started_event_ms: number | null;
  readonly finished_at_ms: number | null;
  readonly finished_event_ms: number | null;
}

/** A change of a turn's state, or a decision within one. */
export interface TransitionRow {
  readonly turn_id: string;
  readonly number: number;
  readonly from_state: string | null;
  readonly to_state: string;
  readonly at_ms: number;
  readonly event_ms: number | null;
  readonly actor: string;
  readonly reason: string;
  readonly evidence: string;
}

/** A step that a turn has started. */
export interface TurnStepRow {
  readonly turn_id: string;
  readonly number: number;
  /** What the turn uses it for: `train`, `evaluate`, `deploy/canary/1`. */
  readonly role: string;
  readonly step_run_id: string;
}

interface LoopTables {
  loops: LoopRow;
  loop_versions: LoopVersionRow;
  loop_triggers: TriggerRow;
  turns: TurnRow;
  turn_transitions: TransitionRow;
  turn_steps: TurnStepRow;
}

/** The loop's tables, typed. */
export function loopTables(tx: Tx) {
  return tables<LoopTables>(tx);
}

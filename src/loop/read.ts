import { fail } from '../core/errors.ts';
import { formatTime } from '../core/time.ts';
import type { Tx } from '../platform/db/index.ts';
import {
  type CodeFile,
  codeFileSchema,
  type LoopFile,
  loopFileSchema,
  overridesSchema,
  type Trigger,
  type TurnState,
  turnStateSchema,
} from './contract.ts';
import { findLoopVersion, triggersOfTurn } from './store/loops.ts';
import type { LoopRow, LoopVersionRow, TriggerRow, TurnRow } from './store/tables.ts';
import { findTurn, findTurnByVersion } from './store/turns.ts';
import { type TurnData, turnDataSchema } from './turn-data.ts';

/** A loop with the file that is in force. */
export interface LoopRecord {
  readonly row: LoopRow;
  readonly version: LoopVersionRow;
  readonly file: LoopFile;
}

/** A turn with the file that it follows. */
export interface TurnRecord {
  readonly row: TurnRow;
  readonly state: TurnState;
  readonly data: TurnData;
  readonly file: LoopFile;
  readonly codeFiles: readonly CodeFile[];
  readonly sourceVersionId: string;
  readonly trigger: Trigger;
}

/** A loop with the version of its file that is in force. */
export async function readLoop(tx: Tx, row: LoopRow): Promise<LoopRecord> {
  const version = await knownVersion(tx, row.name, row.version);
  return { row, version, file: loopFileSchema.parse(JSON.parse(version.file)) };
}

/** Throws `not_found`. */
export async function readTurn(tx: Tx, id: string): Promise<TurnRecord> {
  const row = await findTurn(tx, id);
  if (!row) throw fail('not_found', { kind: 'turn', id, list: '/api/v1/turns' });
  const version = await knownVersion(tx, row.loop, row.loop_version);
  return {
    row,
    state: turnStateSchema.parse(row.state),
    data: turnDataSchema.parse(JSON.parse(row.data)),
    file: loopFileSchema.parse(JSON.parse(version.file)),
    codeFiles: codeFileSchema.array().parse(JSON.parse(version.files)),
    sourceVersionId: version.dataset_version_id,
    trigger: await readTrigger(tx, row),
  };
}

/**
 * The version whose evaluation says what a version of a loop's model is worth: itself, or, when a turn refitted it on
 * all rows, the one that the turn judged.
 */
export async function judgedVersionOf(tx: Tx, loop: string, version: number): Promise<number> {
  const row = await findTurnByVersion(tx, loop, version);
  return row ? (turnDataSchema.parse(JSON.parse(row.data)).refit?.judgedVersion ?? version) : version;
}

/**
 * Why a loop does not begin a version once more by itself: an earlier turn rolled it back, or promoted it and it is
 * champion no more. As a clause that continues "version 3 of flights"; null when no earlier turn had it.
 */
export async function refusedBefore(tx: Tx, turn: TurnRow, version: number): Promise<string | null> {
  const earlier = await findTurnByVersion(tx, turn.loop, version, turn.number);
  if (earlier?.state === 'rolled-back') return `which turn ${earlier.number} began: ${earlier.reason}`;
  if (earlier?.state !== 'promoted' || version === turn.champion_version) return null;
  return `which turn ${earlier.number} promoted, and which is champion no more`;
}

/** The trigger that started a turn, with those that were merged into it. */
export async function readTrigger(tx: Tx, turn: TurnRow): Promise<Trigger> {
  const all = await triggersOfTurn(tx, turn.id);
  const own = all.find((trigger) => trigger.id === turn.trigger_id);
  if (!own) throw new Error(`turn ${turn.id} has no trigger`);
  return toTrigger(
    own,
    null,
    all.filter((trigger) => trigger !== own),
  );
}

/** A trigger as people see it; `waitsFor` says why it has led to no turn yet, `merged` what the same turn answers. */
export function toTrigger(
  row: TriggerRow,
  waitsFor: string | null,
  merged: readonly TriggerRow[] = [],
): Trigger {
  return {
    id: row.id,
    cause: row.cause,
    reason: row.reason,
    by: row.requested_by,
    overrides: overridesSchema.parse(JSON.parse(row.overrides)),
    at: formatTime(row.at_ms),
    eventTime: row.event_ms === null ? null : formatTime(row.event_ms),
    merged: merged.map((other) => ({
      cause: other.cause,
      reason: other.reason,
      at: formatTime(other.at_ms),
    })),
    waitsFor,
  };
}

async function knownVersion(tx: Tx, loop: string, version: number): Promise<LoopVersionRow> {
  const row = await findLoopVersion(tx, loop, version);
  if (!row) throw new Error(`loop ${loop} has no version ${version}`);
  return row;
}

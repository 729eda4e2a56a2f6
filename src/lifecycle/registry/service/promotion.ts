import { fail } from '../../../core/errors.ts';
import type { GateResult } from '../../../core/gate-result.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { parseInput } from '../../../core/schema.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import {
  type ApprovalInput,
  approvalInputSchema,
  CHALLENGER,
  CHAMPION,
  type PromoteInput,
  promoteInputSchema,
  type RecordGatesInput,
  type RollbackInput,
  recordGatesInputSchema,
  rollbackInputSchema,
} from '../contract.ts';
import type { VersionRecord } from '../records.ts';
import { aliasedVersion, moveAlias, versionBefore } from '../store/aliases.ts';
import { updateModelRow } from '../store/models.ts';
import { insertApproval, replaceGates, updateVersionRow } from '../store/versions.ts';
import { aliasChanged } from '../webhooks/payloads.ts';
import {
  actorText,
  aliasMove,
  announced,
  heldModel,
  oneVersion,
  type RegistryDeps,
  record,
  versionRow,
} from './context.ts';

/** Gates, approvals, and the two moves of the champion. Each is one transaction with its audit and event. */
export function promotionOperations(deps: RegistryDeps) {
  const { db, clock } = deps;

  return {
    /** Attaches the verdicts of an evaluation's gates to a version. Repeating it replaces them. */
    async recordGates(
      actor: Actor,
      name: string,
      version: number,
      input: RecordGatesInput,
    ): Promise<VersionRecord> {
      authorize(actor, 'registry:write');
      const { evaluationId, gates } = parseInput(recordGatesInputSchema, input, 'gates');
      return db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        const row = await versionRow(tx, model, version);
        const key = { registeredId: model.id, version };
        await replaceGates(tx, key, evaluationId ?? '', gates, clock.nowMs());
        const change = { evaluation_id: evaluationId, updated_at_ms: clock.nowMs() };
        await updateVersionRow(tx, key, change);
        const after = {
          evaluationId,
          gates: gates.map((gate) => ({ name: gate.name, verdict: gate.verdict })),
        };
        const event = 'model-version.gated';
        const reason = gates.find((gate) => gate.verdict === 'fail')?.reason ?? 'the gates were judged';
        await record(deps, tx, {
          actor,
          action: 'registry:record-gates',
          event,
          model,
          version,
          after,
          reason,
          history: [{ what: 'gates', after: verdictCounts(gates) }],
        });
        return oneVersion(tx, model, { ...row, ...change });
      });
    },

    /** Writes down that somebody lets a version pass, or refuses it, and why. */
    async approve(actor: Actor, name: string, version: number, input: ApprovalInput): Promise<VersionRecord> {
      authorize(actor, 'registry:approve');
      const { decision, reason } = parseInput(approvalInputSchema, input);
      return db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        const row = await versionRow(tx, model, version);
        const nowMs = clock.nowMs();
        await insertApproval(tx, {
          id: uuidv7(nowMs),
          registered_id: model.id,
          version,
          decision,
          decided_by: actorText(actor),
          reason,
          decided_at_ms: nowMs,
        });
        const event = decision === 'approved' ? 'model-version.approved' : 'model-version.rejected';
        await record(deps, tx, {
          actor,
          action: 'registry:approve',
          event,
          model,
          version,
          after: { decision },
          reason,
          history: [{ what: 'approval', after: decision }],
        });
        return oneVersion(tx, model, row);
      });
    },

    /**
     * Makes a version the champion, remembers the one before, and takes `challenger` away, all at once.
     * A version that is champion already stays so and nothing is recorded.
     *
     * Throws `version_not_packaged`; `version_blocked` when the newest decision on it was a refusal, or a gate
     * failed and nobody approved it all the same.
     */
    async promote(actor: Actor, name: string, input: PromoteInput): Promise<VersionRecord> {
      authorize(actor, 'registry:promote');
      const { version, reason } = parseInput(promoteInputSchema, input);
      return db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        const row = await versionRow(tx, model, version);
        checkMayPromote(await oneVersion(tx, model, row));
        const previous = await aliasedVersion(tx, model.id, CHAMPION);
        if (previous === version) return oneVersion(tx, model, row);
        const challenger = await aliasedVersion(tx, model.id, CHALLENGER);
        const move = {
          alias: CHAMPION,
          version,
          previousVersion: previous,
          action: 'promote',
          reason,
        } as const;
        await moveAlias(tx, aliasMove(deps, actor, model, move));
        const clear = {
          alias: CHALLENGER,
          version: null,
          previousVersion: challenger,
          action: 'promote',
          reason,
        } as const;
        await moveAlias(tx, aliasMove(deps, actor, model, clear));
        await updateModelRow(tx, model.id, { previous_champion: previous });
        const before = { champion: previous, challenger };
        const after = { champion: version, challenger: null };
        const event = 'model.promoted';
        await record(deps, tx, {
          actor,
          action: 'registry:promote',
          event,
          model,
          version,
          before,
          after,
          reason,
          history: [],
          announcements: [
            aliasChanged(announced(model), CHAMPION, version),
            ...(challenger === null ? [] : [aliasChanged(announced(model), CHALLENGER, null)]),
          ],
        });
        return oneVersion(tx, model, row);
      });
    },

    /**
     * Makes the previous champion the champion again; doing it once more goes one further back.
     * Throws `no_previous_champion`; `version_unknown` when that version was deleted.
     */
    async rollback(actor: Actor, name: string, input: RollbackInput): Promise<VersionRecord> {
      authorize(actor, 'registry:promote');
      const { reason } = parseInput(rollbackInputSchema, input);
      return db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        const version = model.previous_champion;
        if (version === null) throw fail('no_previous_champion', { name });
        const row = await versionRow(tx, model, version);
        const left = await aliasedVersion(tx, model.id, CHAMPION);
        const move = { alias: CHAMPION, version, previousVersion: left, action: 'rollback', reason } as const;
        await moveAlias(tx, aliasMove(deps, actor, model, move));
        const further = await versionBefore(tx, model.id, CHAMPION, version);
        await updateModelRow(tx, model.id, { previous_champion: further });
        const before = { champion: left };
        const after = { champion: version };
        const event = 'model.rolled-back';
        await record(deps, tx, {
          actor,
          action: 'registry:rollback',
          event,
          model,
          version,
          before,
          after,
          reason,
          history: [],
          announcements: [aliasChanged(announced(model), CHAMPION, version)],
        });
        return oneVersion(tx, model, row);
      });
    },
  };
}

/** `3 pass, 1 fail`. */
function verdictCounts(gates: readonly GateResult[]): string {
  const count = (verdict: string): number => gates.filter((gate) => gate.verdict === verdict).length;
  const verdicts = ['pass', 'unsure', 'fail'].filter((verdict) => count(verdict) > 0);
  return verdicts.map((verdict) => `${count(verdict)} ${verdict}`).join(', ');
}

function checkMayPromote(version: VersionRecord): void {
  const { name, version: number } = version;
  if (version.digest === null) throw fail('version_not_packaged', { name, version: number });
  const decision = version.approvals.at(-1);
  if (decision?.decision === 'rejected') {
    throw fail('version_blocked', {
      name,
      version: number,
      problem: `${decision.by} refused it: ${decision.reason}`,
      remedy: 'Approve it first, or promote another version.',
    });
  }
  const failed = version.gates.find((gate) => gate.verdict === 'fail');
  if (failed && decision === undefined) {
    throw fail('version_blocked', {
      name,
      version: number,
      problem: `gate ${failed.name} failed: ${failed.reason}`,
      remedy: 'Approve it with a reason to promote it all the same, or promote another version.',
    });
  }
}

import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { parseInput } from '../../../core/schema.ts';
import { formatTime } from '../../../core/time.ts';
import { type Actor, authorize, isAllowed } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import {
  type AliasProtection,
  type ProtectAliasInput,
  protectAliasInputSchema,
} from '../contract/history.ts';
import { CHAMPION } from '../contract.ts';
import { modelRowsById } from '../store/models.ts';
import {
  deleteProtection,
  findProtection,
  insertProtection,
  type ProtectionRow,
  protectionRows,
} from '../store/protections.ts';
import type { ModelRow, VersionRow } from '../store/tables.ts';
import { actorText, modelByName, noReason, oneVersion, type RegistryDeps, record } from './context.ts';

const builtIn: AliasProtection = {
  id: CHAMPION,
  model: null,
  pattern: CHAMPION,
  isBuiltIn: true,
  by: 'system:millrace',
  reason: 'deployments follow the champion',
  createdAt: null,
};

/** Which aliases are protected: rules per model or for every model, by name or by pattern. */
export function protectionOperations(deps: RegistryDeps) {
  const { db, clock } = deps;

  return {
    /** All rules, or those that hold for a model; the built-in one first. Throws `registered_model_unknown`. */
    async aliasProtections(actor: Actor, name?: string): Promise<readonly AliasProtection[]> {
      authorize(actor, 'read');
      const model = name === undefined ? undefined : await modelByName(db.read, name);
      return [builtIn, ...(await described(db.read, await protectionRows(db.read, model?.id)))];
    },

    /** Adds a rule; the same rule again is the one that is there. Throws `registered_model_unknown`. */
    async protectAlias(actor: Actor, input: ProtectAliasInput): Promise<AliasProtection> {
      authorize(actor, 'registry:promote');
      const { model: name, pattern, reason } = parseInput(protectAliasInputSchema, input);
      return db.write(async (tx) => {
        const model = name === null ? null : await modelByName(tx, name);
        const registeredId = model?.id ?? null;
        const present = (await protectionRows(tx)).find(
          (row) => row.pattern === pattern && row.registered_id === registeredId,
        );
        const nowMs = clock.nowMs();
        const row: ProtectionRow = present ?? {
          id: uuidv7(nowMs),
          registered_id: registeredId,
          pattern,
          protected_by: actorText(actor),
          reason,
          created_at_ms: nowMs,
        };
        if (!present) {
          await insertProtection(tx, row);
          await tell(deps, tx, actor, model, 'registry:protect-alias', [null, pattern], reason);
        }
        const [protection] = await described(tx, [row]);
        if (!protection) throw fail('protection_unknown', { id: row.id });
        return protection;
      });
    },

    /** Takes a rule away. Throws `protection_unknown`, `protection_built_in`. */
    async unprotectAlias(actor: Actor, id: string, reason: string): Promise<void> {
      authorize(actor, 'registry:promote');
      if (id === CHAMPION) throw fail('protection_built_in', { pattern: CHAMPION });
      await db.write(async (tx) => {
        const row = await findProtection(tx, id);
        if (!row) throw fail('protection_unknown', { id });
        await deleteProtection(tx, id);
        const of = row.registered_id;
        const [model = null] = of === null ? [] : await modelRowsById(tx, [of]);
        await tell(deps, tx, actor, model, 'registry:unprotect-alias', [row.pattern, null], reason);
      });
    },
  };
}

/** Writes a change of the rules down: in the audit trail, and in the model's history where it is one model's. */
async function tell(
  deps: RegistryDeps,
  tx: Tx,
  actor: Actor,
  model: ModelRow | null,
  action: string,
  [before, after]: readonly [string | null, string | null],
  reason: string,
): Promise<void> {
  const pattern = after ?? before ?? '';
  if (model === null) {
    const subject = { kind: 'alias-protection', id: pattern };
    await deps.journal.appendAudit(tx, { actor, action, subject, before, after, reason });
    return;
  }
  const event = 'registered-model.changed';
  const history = [{ what: 'protection', key: pattern, before, after }] as const;
  await record(deps, tx, { actor, action, event, model, before, after, reason, history });
}

async function described(tx: Tx, rows: readonly ProtectionRow[]): Promise<readonly AliasProtection[]> {
  const ids = [...new Set(rows.flatMap((row) => (row.registered_id === null ? [] : [row.registered_id])))];
  const names = new Map((await modelRowsById(tx, ids)).map((model) => [model.id, model.name]));
  return rows.map((row) => ({
    id: row.id,
    model: row.registered_id === null ? null : (names.get(row.registered_id) ?? ''),
    pattern: row.pattern,
    isBuiltIn: false,
    by: row.protected_by,
    reason: row.reason,
    createdAt: formatTime(row.created_at_ms),
  }));
}

/**
 * Lets an alias be moved. A protected one is moved by who may promote; and, with a reason, by who may not to a
 * version whose newest decision is an approval.
 *
 * @param to null when the alias is taken away
 * @throws `alias_protected`
 */
export async function requireMove(
  tx: Tx,
  actor: Actor,
  model: ModelRow,
  alias: string,
  to: VersionRow | null,
  reason: string,
): Promise<void> {
  if (isAllowed(actor, 'registry:promote')) return;
  const rules = [builtIn, ...(await protectionRows(tx, model.id))];
  const rule = rules.find(({ pattern }) => matches(pattern, alias));
  if (!rule) return;
  const decision = to === null ? undefined : (await oneVersion(tx, model, to)).approvals.at(-1)?.decision;
  const isApproved = decision === 'approved';
  if (isApproved && reason !== noReason) return;
  const detail = isApproved ? ' without a reason' : '';
  const { pattern } = rule;
  throw fail('alias_protected', { alias, name: model.name, pattern, actor: actorText(actor), detail });
}

/** Whether an alias is meant by a pattern: `*` stands for any characters; the others allowed there, for themselves. */
function matches(pattern: string, alias: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'su').test(alias);
}

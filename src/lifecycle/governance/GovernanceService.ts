import { type Clock, formatTime, parseTime, wallClock } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { Journal, StoredAuditEntry } from '../../platform/journal/index.ts';
import type { EvaluationService } from '../evaluation/index.ts';
import type { Registry } from '../registry/index.ts';
import type { AuditEntry, AuditQuery, ModelCard } from './contract.ts';
import { makeModelCard } from './makeModelCard.ts';
import { rolloutHistory } from './rolloutHistory.ts';

/** Alias moves and route changes looked at for a card, newest first. */
const longestHistory = 1000;

/** Readings of what others recorded: the audit trail, and what a model version stands on. */
export class GovernanceService {
  readonly #journal: Journal;
  readonly #registry: Registry;
  readonly #evaluations: EvaluationService;
  readonly #clock: Clock;

  constructor(deps: {
    readonly journal: Journal;
    readonly registry: Registry;
    readonly evaluations: EvaluationService;
    readonly clock?: Clock;
  }) {
    this.#journal = deps.journal;
    this.#registry = deps.registry;
    this.#evaluations = deps.evaluations;
    this.#clock = deps.clock ?? wallClock;
  }

  /** Audit entries, newest first; `afterId` continues behind one. Throws `invalid_time`. */
  async auditEntries(
    actor: Actor,
    query: Omit<AuditQuery, 'after'> & { readonly afterId?: string | undefined },
  ): Promise<readonly AuditEntry[]> {
    authorize(actor, 'read');
    const entries = await this.#journal.auditEntries({
      actorId: query.actor,
      action: query.action,
      subjectKind: query.subjectKind,
      subjectId: query.subjectId,
      fromMs: query.from === undefined ? undefined : parseTime(query.from, 'from'),
      toMs: query.to === undefined ? undefined : parseTime(query.to, 'to'),
      afterId: query.afterId,
      limit: query.limit,
    });
    return entries.map(toEntry);
  }

  /** The card of a version, from what was recorded up to now. Throws `version_unknown`. */
  async modelCard(actor: Actor, model: string, version: string): Promise<ModelCard> {
    authorize(actor, 'read');
    const record = await this.#registry.getVersion(actor, model, version);
    const { items } = await this.#registry.aliasMoves(actor, model, { limit: longestHistory });
    const evaluation =
      record.evaluationId === null ? null : await this.#evaluations.evaluation(actor, record.evaluationId);
    const routed = await this.#journal.auditEntries({ subjectKind: 'endpoint', limit: longestHistory });
    const rollout = rolloutHistory(routed, record.name, record.version);
    return makeModelCard(record, items, rollout, evaluation, formatTime(this.#clock.nowMs()));
  }
}

function toEntry(entry: StoredAuditEntry): AuditEntry {
  const { id, atMs, actor, action, subject, before, after, reason } = entry;
  return {
    id,
    at: formatTime(atMs),
    actor,
    action,
    subject,
    before: before ?? null,
    after: after ?? null,
    reason,
  };
}

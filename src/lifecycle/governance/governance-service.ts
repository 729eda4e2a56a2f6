import { MillraceError } from '../../core/errors.ts';
import { type Clock, formatTime, parseTime, wallClock } from '../../core/time.ts';
import { type Actor, actorKinds, authorize } from '../../platform/access/index.ts';
import type { Journal, StoredAuditEntry, StoredEvent } from '../../platform/journal/index.ts';
import type { EvaluationService } from '../evaluation/index.ts';
import { type AliasMove, judgedInsteadOf, type Registry, type VersionRecord } from '../registry/index.ts';
import type { CardEvidence } from './card-evidence.ts';
import type { AuditEntry, AuditQuery, CardMonitoring, ModelCard } from './contract.ts';
import { makeModelCard } from './make-model-card.ts';
import { monitoringEventTypes, monitoringHistory } from './monitoring-history.ts';
import { rolloutHistory } from './rollout-history.ts';

const pageSize = 500;

export interface GovernanceDeps {
  readonly journal: Journal;
  readonly registry: Registry;
  readonly evaluations: EvaluationService;
  readonly evidence: CardEvidence;
  readonly clock?: Clock;
}

/** Readings of what others recorded: the audit trail, and what a model version stands on. */
export class GovernanceService {
  readonly #deps: GovernanceDeps;
  readonly #clock: Clock;

  constructor(deps: GovernanceDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? wallClock;
  }

  /** Audit entries, newest first; `afterId` continues behind one. Throws `invalid_time`. */
  async auditEntries(
    actor: Actor,
    query: Omit<AuditQuery, 'after'> & { readonly afterId?: string | undefined },
  ): Promise<readonly AuditEntry[]> {
    authorize(actor, 'read');
    const entries = await this.#deps.journal.auditEntries({
      ...(query.actor === undefined ? {} : whoFilter(query.actor)),
      action: query.action,
      subjectKind: query.subjectKind,
      subjectId: query.subjectId,
      fromMs: query.from === undefined ? undefined : parseTime(query.from, 'from'),
      toMs: query.to === undefined ? undefined : parseTime(query.to, 'to'),
      text: query.text,
      afterId: query.afterId,
      limit: query.limit,
    });
    return entries.map(toEntry);
  }

  /** The card of a version, from what was recorded up to now. Throws `version_unknown`. */
  async modelCard(actor: Actor, model: string, version: string): Promise<ModelCard> {
    authorize(actor, 'read');
    const { registry, evaluations, evidence } = this.#deps;
    const record = await registry.getVersion(actor, model, version);
    const { datasetVersionId, sourceRunId } = record;
    const judged = await this.#judged(actor, record);
    const { evaluationId } = judged;
    const routes = await this.#routeChanges(record);
    const rollout = rolloutHistory(routes, record.name, record.version);
    const card = {
      record: { ...record, gates: judged.gates },
      moves: await this.#aliasMoves(actor, model),
      rollout: rollout.map(({ at, by, what, reason }) => ({ at, by, what, reason })),
      evaluation: evaluationId === null ? undefined : await evaluations.evaluation(actor, evaluationId),
      dataset: datasetVersionId === null ? undefined : await evidence.dataset(actor, datasetVersionId),
      run: sourceRunId === null ? undefined : await evidence.run(actor, sourceRunId),
      monitoring: await this.#monitoring(record, new Set(rollout.map((change) => change.endpoint))),
    };
    return makeModelCard(card, formatTime(this.#clock.nowMs()));
  }

  /** Whose gates and evaluation speak for a version: of a refitted one those of the version that was judged. */
  async #judged(actor: Actor, record: VersionRecord): Promise<VersionRecord> {
    const judged = judgedInsteadOf(record);
    if (judged === null) return record;
    try {
      return await this.#deps.registry.getVersion(actor, record.name, String(judged));
    } catch (error) {
      // It was deleted since: what was recorded of this version is all there is.
      if (error instanceof MillraceError && error.code === 'version_unknown') return record;
      throw error;
    }
  }

  async #aliasMoves(actor: Actor, model: string): Promise<readonly AliasMove[]> {
    const moves: AliasMove[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await this.#deps.registry.aliasMoves(actor, model, { limit: pageSize, after });
      moves.push(...page.items);
      if (page.next === null) return moves;
      after = page.next;
    }
  }

  /** Changes of routes since the version was made, oldest first. */
  async #routeChanges({ createdAtMs: fromMs }: VersionRecord): Promise<readonly StoredAuditEntry[]> {
    const entries: StoredAuditEntry[] = [];
    for (let afterId: string | undefined; ; afterId = entries.at(-1)?.id) {
      const filter = { subjectKind: 'endpoint', fromMs, afterId, limit: pageSize };
      const page = await this.#deps.journal.auditEntries(filter);
      entries.push(...page);
      if (page.length < pageSize) return entries.reverse();
    }
  }

  async #monitoring(
    { version }: VersionRecord,
    endpoints: ReadonlySet<string>,
  ): Promise<readonly CardMonitoring[]> {
    const found = await Promise.all(
      [...endpoints].sort().map(async (id) => {
        const events: StoredEvent[] = [];
        for (let seq = 0; ; seq = events.at(-1)?.seq ?? seq) {
          const subject = { kind: 'endpoint', id };
          const page = await this.#deps.journal.eventsOf(subject, monitoringEventTypes, seq, pageSize);
          events.push(...page);
          if (page.length < pageSize) return monitoringHistory(events, id, version);
        }
      }),
    );
    return found.filter((one) => one !== undefined);
  }
}

/** `anna` is anybody of that name, `user:anna` the user only. */
function whoFilter(text: string): { readonly actorKind?: Actor['kind']; readonly actorId: string } {
  const actorKind = actorKinds.find((kind) => text.startsWith(`${kind}:`) && text.length > kind.length + 1);
  return actorKind === undefined
    ? { actorId: text }
    : { actorKind, actorId: text.slice(actorKind.length + 1) };
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

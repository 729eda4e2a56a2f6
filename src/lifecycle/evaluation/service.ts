import { fail } from '../../core/errors.ts';
import { type Clock, wallClock } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import {
  EVALUATION_RECORDED,
  type Evaluation,
  type EvaluationRecorded,
  type EvaluationReport,
  type EvaluationSummary,
} from './contract.ts';
import { type EvaluationFilter, EvaluationStore } from './store.ts';

/** Evaluations as they were made; one that is recorded never changes. */
export class EvaluationService {
  readonly #store: EvaluationStore;
  readonly #journal: Journal;
  readonly #clock: Clock;

  constructor(options: { readonly db: Database; readonly journal: Journal; readonly clock?: Clock }) {
    this.#store = new EvaluationStore(options.db);
    this.#journal = options.journal;
    this.#clock = options.clock ?? wallClock;
  }

  /**
   * Records the report of a finished `evaluate` step in the caller's transaction. The evaluation's id is the step
   * run's; recording the same step again changes nothing.
   *
   * @param subject what the step worked on, e.g. `flight-delay/7`
   */
  async record(
    tx: Tx,
    actor: Actor,
    evaluation: { readonly stepRunId: string; readonly subject: string; readonly report: EvaluationReport },
  ): Promise<void> {
    authorize(actor, 'loop:write');
    const { stepRunId: id, subject, report } = evaluation;
    if (!(await this.#store.insert(tx, id, subject, report, this.#clock.nowMs()))) return;
    const about = { kind: 'evaluation', id };
    const data: EvaluationRecorded = { subject, verdict: report.verdict };
    await this.#journal.appendEvent(tx, { type: EVALUATION_RECORDED, subject: about, data: { ...data } });
    const reason =
      report.gates.find((gate) => gate.verdict === report.verdict)?.reason ?? 'there are no gates';
    const action = 'evaluation:record';
    await this.#journal.appendAudit(tx, { actor, action, subject: about, after: data, reason });
  }

  /** Throws `not_found`. */
  async evaluation(actor: Actor, id: string): Promise<Evaluation> {
    authorize(actor, 'read');
    const evaluation = await this.#store.byId(id);
    if (!evaluation) throw fail('not_found', { kind: 'evaluation', id, list: '/api/v1/evaluations' });
    return evaluation;
  }

  /** Evaluations (of one subject, if named), newest first. */
  async evaluations(actor: Actor, filter: EvaluationFilter): Promise<readonly EvaluationSummary[]> {
    authorize(actor, 'read');
    return this.#store.list(filter);
  }
}

import type { Digest } from '../../core/json.ts';
import { formatTime } from '../../core/time.ts';
import { type Database, type Tx, tables } from '../../platform/db/index.ts';
import {
  type Evaluation,
  type EvaluationReport,
  type EvaluationSummary,
  evaluationReportSchema,
  gateResultSchema,
  metricEstimatesSchema,
  type Verdict,
} from './contract.ts';

interface EvaluationRow {
  id: string;
  subject: string;
  candidate_digest: Digest;
  champion_digest: Digest | null;
  dataset_digest: Digest;
  row_count: number;
  verdict: Verdict;
  gates_json: string;
  candidate_json: string;
  report_json: string;
  created_at_ms: number;
}

interface EvaluationTables {
  evaluations: EvaluationRow;
}

const summaryColumns = [
  'id',
  'subject',
  'candidate_digest',
  'champion_digest',
  'dataset_digest',
  'row_count',
  'verdict',
  'gates_json',
  'candidate_json',
  'created_at_ms',
] as const;

export interface EvaluationFilter {
  readonly subject?: string | undefined;
  readonly limit: number;
  /** Evaluations made before the one of this id (ids sort by time). */
  readonly afterId?: string | undefined;
}

/** The only reader and writer of `evaluations`. */
export class EvaluationStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  /** Adds an evaluation unless its id is there; says whether it was added. */
  async insert(
    tx: Tx,
    id: string,
    subject: string,
    report: EvaluationReport,
    createdAtMs: number,
  ): Promise<boolean> {
    const rows = await tables<EvaluationTables>(tx)
      .insertInto('evaluations')
      .values({
        id,
        subject,
        candidate_digest: report.candidate.packageDigest,
        champion_digest: report.champion?.packageDigest ?? null,
        dataset_digest: report.dataset.digest,
        row_count: report.overall.rows,
        verdict: report.verdict,
        gates_json: JSON.stringify(report.gates),
        candidate_json: JSON.stringify(report.overall.candidate),
        report_json: JSON.stringify(report),
        created_at_ms: createdAtMs,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('id')
      .execute();
    return rows.length > 0;
  }

  async byId(id: string): Promise<Evaluation | undefined> {
    const row = await tables<EvaluationTables>(this.#read)
      .selectFrom('evaluations')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && { ...toSummary(row), report: evaluationReportSchema.parse(JSON.parse(row.report_json)) };
  }

  /** Newest first. */
  async list({ subject, limit, afterId }: EvaluationFilter): Promise<readonly EvaluationSummary[]> {
    let query = tables<EvaluationTables>(this.#read).selectFrom('evaluations').select(summaryColumns);
    if (subject !== undefined) query = query.where('subject', '=', subject);
    if (afterId !== undefined) query = query.where('id', '<', afterId);
    return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toSummary);
  }
}

function toSummary(row: Omit<EvaluationRow, 'report_json'>): EvaluationSummary {
  return {
    id: row.id,
    subject: row.subject,
    createdAt: formatTime(row.created_at_ms),
    candidateDigest: row.candidate_digest,
    championDigest: row.champion_digest,
    datasetDigest: row.dataset_digest,
    rows: row.row_count,
    verdict: row.verdict,
    gates: gateResultSchema.array().parse(JSON.parse(row.gates_json)),
    candidate: metricEstimatesSchema.parse(JSON.parse(row.candidate_json)),
  };
}

import { formatTime } from '../../core/time.ts';
import type { Evaluation } from '../evaluation/index.ts';
import { type AliasMove, judgedInsteadOf, type VersionRecord } from '../registry/index.ts';
import type { CardDataset, CardMonitoring, CardRun, ModelCard } from './contract.ts';

/** Everything that was recorded of a version, each part undefined (or empty) where there is no record. */
export interface VersionEvidence {
  readonly record: VersionRecord;
  /** All moves of the model's aliases, in any order. */
  readonly moves: readonly AliasMove[];
  /** What traffic the version had, in any order. */
  readonly rollout: ModelCard['history'];
  readonly evaluation: Evaluation | undefined;
  readonly dataset: CardDataset | undefined;
  readonly run: CardRun | undefined;
  readonly monitoring: readonly CardMonitoring[];
}

/**
 * Makes a model card of what was recorded, and of nothing else: a part for which there is no record is null (or
 * empty) and named in `missing`.
 */
export function makeModelCard(evidence: VersionEvidence, generatedAt: string): ModelCard {
  const { record, evaluation, dataset, run, monitoring } = evidence;
  const card = {
    model: record.name,
    version: record.version,
    generatedAt,
    status: {
      aliases: [...record.aliases],
      createdAt: formatTime(record.createdAtMs),
      createdBy: record.createdBy,
      digest: record.digest,
      sourceRunId: record.sourceRunId,
      refitOf: judgedInsteadOf(record),
    },
    data: {
      datasetVersionId: record.datasetVersionId,
      digest: record.datasetDigest,
      version: dataset ?? null,
      holdout: evaluation ? holdoutPart(evaluation) : null,
    },
    training: run ?? null,
    signature: record.signature && {
      inputs: record.signature.inputs.map(({ name, type, required }) => ({ name, type, required })),
      outputs: record.signature.outputs.map(({ name, type }) => ({ name, type })),
    },
    evaluation: evaluation ? evaluationPart(evaluation) : null,
    gates: record.gates.map(({ name, verdict, reason }) => ({ name, verdict, reason })),
    approvals: record.approvals.map(({ decision, by, reason, decidedAt }) => ({
      decision,
      by,
      reason,
      decidedAt,
    })),
    history: historyPart(evidence),
    monitoring: [...monitoring],
  };
  const parts = {
    'package digest': card.status.digest !== null,
    'training data': card.data.datasetVersionId !== null || card.data.digest !== null,
    'training run': card.training !== null,
    signature: card.signature !== null,
    evaluation: card.evaluation !== null,
    gates: card.gates.length > 0,
    approvals: card.approvals.length > 0,
    history: card.history.length > 0,
    monitoring: card.monitoring.length > 0,
  };
  const missing = Object.entries(parts).flatMap(([name, recorded]) => (recorded ? [] : [name]));
  return { ...card, missing };
}

function historyPart({ record, moves, rollout }: VersionEvidence): ModelCard['history'] {
  return moves
    .filter((move) => move.version === record.version || move.previousVersion === record.version)
    .map((move) => ({
      at: move.movedAt,
      by: move.by,
      what: moveText(move, record.version),
      reason: move.reason,
    }))
    .concat(rollout)
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function holdoutPart({ report }: Evaluation): NonNullable<ModelCard['data']['holdout']> {
  const { holdout, rows, unlabelledRows } = report.dataset;
  const what =
    holdout.by === 'time'
      ? `${holdout.column} from ${holdout.from} to ${holdout.to}`
      : `rows ${holdout.fromRow} to ${holdout.toRow - 1} in file order`;
  return { what, rows, unlabelledRows };
}

function evaluationPart({ id, report }: Evaluation): NonNullable<ModelCard['evaluation']> {
  const { overall } = report;
  const { intercept, slope } = report.candidate.calibration;
  return {
    id,
    rows: overall.rows,
    positives: overall.positives,
    threshold: report.threshold,
    confidence: report.confidence,
    verdict: report.verdict,
    calibration: { intercept, slope },
    latencyP99Ms: report.candidate.latency.p99Ms,
    metrics: Object.entries(overall.candidate).map(([name, candidate]) => {
      const key = name as keyof typeof overall.candidate;
      return {
        name,
        candidate,
        dummy: overall.dummy[key] ?? null,
        champion: overall.champion?.[key] ?? null,
      };
    }),
    segments: report.segments.map(({ column, value, kind, comparison }) => ({
      column,
      value: kind === 'other' ? 'all others' : value,
      rows: comparison.rows,
      logLoss: comparison.candidate.logLoss ?? null,
      auc: comparison.candidate.auc ?? null,
    })),
  };
}

function moveText(move: AliasMove, version: number): string {
  if (move.version === version) {
    const before = move.previousVersion === null ? '' : ` after version ${move.previousVersion}`;
    return `${move.action}: became ${move.alias}${before}`;
  }
  const next = move.version === null ? '' : `, version ${move.version} followed`;
  return `${move.action}: no longer ${move.alias}${next}`;
}

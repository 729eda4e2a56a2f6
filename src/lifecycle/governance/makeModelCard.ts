import { formatTime } from '../../core/time.ts';
import type { Evaluation } from '../evaluation/index.ts';
import type { AliasMove, VersionRecord } from '../registry/index.ts';
import type { ModelCard } from './contract.ts';

/**
 * Makes a model card of what was recorded, and of nothing else: a part for which there is no record is null (or
 * empty) and named in `missing`.
 *
 * @param moves all moves of the model's aliases, in any order
 * @param rollout what traffic the version had, in any order
 */
export function makeModelCard(
  record: VersionRecord,
  moves: readonly AliasMove[],
  rollout: ModelCard['history'],
  evaluation: Evaluation | null,
  generatedAt: string,
): ModelCard {
  const history = moves
    .filter((move) => move.version === record.version || move.previousVersion === record.version)
    .map((move) => ({
      at: move.movedAt,
      by: move.by,
      what: moveText(move, record.version),
      reason: move.reason,
    }))
    .concat(rollout)
    .sort((a, b) => (a.at < b.at ? -1 : 1));
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
    },
    data: { datasetVersionId: record.datasetVersionId, digest: record.datasetDigest },
    signature: record.signature && {
      inputs: record.signature.inputs.map(({ name, type, required }) => ({ name, type, required })),
      outputs: record.signature.outputs.map(({ name, type }) => ({ name, type })),
    },
    evaluation: evaluation && evaluationPart(evaluation),
    gates: record.gates.map(({ name, verdict, reason }) => ({ name, verdict, reason })),
    approvals: record.approvals.map(({ decision, by, reason, decidedAt }) => ({
      decision,
      by,
      reason,
      decidedAt,
    })),
    history,
  };
  const parts = {
    'package digest': card.status.digest,
    'source run': card.status.sourceRunId,
    'training data': card.data.datasetVersionId,
    signature: card.signature,
    evaluation: card.evaluation,
    gates: card.gates.length > 0 || null,
    approvals: card.approvals.length > 0 || null,
    history: card.history.length > 0 || null,
  };
  const missing = Object.entries(parts).flatMap(([name, value]) => (value === null ? [name] : []));
  return { ...card, missing };
}

function evaluationPart({ id, report }: Evaluation): NonNullable<ModelCard['evaluation']> {
  const { overall } = report;
  return {
    id,
    rows: overall.rows,
    positives: overall.positives,
    threshold: report.threshold,
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

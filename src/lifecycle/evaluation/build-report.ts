import type { Digest } from '../../core/json.ts';
import { compareModels, type ScoredRows } from './compare-models.ts';
import type { EvaluateInputs, EvaluationReport, Latency, ModelCurves } from './contract.ts';
import { judgeGates, overallVerdict } from './judge-gates.ts';
import type { HoldoutRows } from './load-holdout.ts';
import { modelCurves } from './model-curves.ts';
import { segmentRows } from './segment-rows.ts';

const CONFIDENCE = 0.95;
const RESAMPLES_OVERALL = 1000;
const RESAMPLES_SEGMENT = 300;

/** Scores of a model on all labelled rows of the hold-out, and its time for one row. */
export interface ScoredModel {
  readonly scores: Float64Array;
  readonly latency: Latency;
}

/**
 * The report from labels and scores alone. Rows on which either model gave NaN or an infinity are left out of every
 * comparison, and counted; that the candidate gave any fails its gate. The same input gives the same report.
 */
export function buildReport(
  inputs: EvaluateInputs,
  holdout: HoldoutRows,
  candidate: ScoredModel,
  champion: ScoredModel | null,
): EvaluationReport {
  const { threshold, seed } = inputs;
  const finite = finiteRows(candidate.scores, champion?.scores ?? null);
  const all: ScoredRows = {
    labels: holdout.labels,
    candidate: candidate.scores,
    champion: champion?.scores ?? null,
  };
  const rows = finite.length === holdout.labels.length ? all : pick(all, finite);
  const dummyScore = holdout.outsidePositiveRatio ?? meanOf(holdout.labels);
  const shared = { threshold, confidence: CONFIDENCE, dummyScore, seed };
  const overall = compareModels(rows, { ...shared, resamples: RESAMPLES_OVERALL });
  const segments = inputs.segments.flatMap((column) => {
    const values = holdout.segments[column] ?? [];
    return segmentRows(finite.map((row) => values[row] ?? null)).map(({ value, kind, rows: members }) => ({
      column,
      value,
      kind,
      comparison: compareModels(pick(rows, members), { ...shared, resamples: RESAMPLES_SEGMENT }),
    }));
  });
  const curves = (digest: Digest, model: ScoredModel, scores: Float64Array): ModelCurves => ({
    packageDigest: digest,
    latency: model.latency,
    nonFiniteScores: model.scores.length - finiteRows(model.scores, null).length,
    ...modelCurves(rows.labels, scores, threshold, CONFIDENCE),
  });
  const drawn = curves(inputs.candidateDigest, candidate, rows.candidate);
  const gates = judgeGates(inputs.gates, {
    overall,
    latency: candidate.latency,
    nonFiniteScores: drawn.nonFiniteScores,
    championDigest: inputs.championDigest,
  });
  return {
    formatVersion: 1,
    task: 'binary-classification',
    dataset: {
      digest: inputs.datasetDigest,
      holdout: inputs.holdout,
      labelColumn: inputs.labelColumn,
      positiveClass: inputs.positiveClass,
      rows: holdout.rows,
      unlabelledRows: holdout.rows - holdout.labels.length,
    },
    threshold,
    confidence: CONFIDENCE,
    seed,
    dummy: {
      score: dummyScore,
      from: holdout.outsidePositiveRatio === null ? 'the hold-out itself' : 'rows outside the hold-out',
    },
    overall,
    segments,
    candidate: drawn,
    champion:
      champion && rows.champion && inputs.championDigest !== null
        ? curves(inputs.championDigest, champion, rows.champion)
        : null,
    gates: [...gates],
    verdict: overallVerdict(gates),
  };
}

function finiteRows(candidate: Float64Array, champion: Float64Array | null): readonly number[] {
  const rows: number[] = [];
  candidate.forEach((score, row) => {
    if (Number.isFinite(score) && (champion === null || Number.isFinite(champion[row]))) rows.push(row);
  });
  return rows;
}

function pick(rows: ScoredRows, members: readonly number[]): ScoredRows {
  const scores = (all: Float64Array) => Float64Array.from(members, (row) => all[row]!);
  return {
    labels: Uint8Array.from(members, (row) => rows.labels[row]!),
    candidate: scores(rows.candidate),
    champion: rows.champion && scores(rows.champion),
  };
}

function meanOf(labels: Uint8Array): number {
  return labels.reduce((sum, label) => sum + label, 0) / labels.length;
}

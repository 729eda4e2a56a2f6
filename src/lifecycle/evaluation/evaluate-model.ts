import type { Digest } from '../../core/json.ts';
import { createRng } from '../../core/rng.ts';
import type { StepContext } from '../../platform/registries/index.ts';
import type { RuntimeHosts } from '../../platform/runtimes/index.ts';
import { buildReport, type ScoredModel } from './build-report.ts';
import type { EvaluateInputs, EvaluationReport } from './contract.ts';
import { numberText } from './estimate-text.ts';
import { type HoldoutRows, loadHoldout } from './load-holdout.ts';
import { measureLatency } from './measure-latency.ts';
import { PackagedModel } from './packaged-model.ts';

type EvaluateContext = Pick<StepContext, 'blobs' | 'frames' | 'signal' | 'log'>;

/** Opens the packages, reads the hold-out, scores it with both models, and reports. */
export async function evaluateModel(
  inputs: EvaluateInputs,
  context: EvaluateContext,
  hosts: RuntimeHosts = { python: null },
): Promise<EvaluationReport> {
  const { blobs, frames, signal, log } = context;
  const opened: PackagedModel[] = [];
  const open = async (digest: Digest): Promise<PackagedModel> => {
    const model = await PackagedModel.open(blobs, digest, inputs.positiveClass, hosts);
    opened.push(model);
    return model;
  };
  try {
    const candidate = await open(inputs.candidateDigest);
    const champion = inputs.championDigest === null ? null : await open(inputs.championDigest);
    const wanted = new Set([...candidate.inputs, ...(champion?.inputs ?? [])]);
    const path = await blobs.path(inputs.datasetDigest);
    const rows = await loadHoldout(frames, path, inputs, [...wanted], signal);
    log(`hold-out: ${numberText(rows.rows)} rows, ${numberText(rows.labels.length)} of them labelled`);
    const scored = async (model: PackagedModel, role: string): Promise<ScoredModel> => {
      const startMs = performance.now();
      const scores = await model.score(rows, signal);
      log(`${role}: scored in ${Math.round(performance.now() - startMs)} ms`);
      const latency = await latencyOf(model, rows, inputs.seed);
      log(
        `${role}: one row takes ${latency.p50Ms.value?.toFixed(3)} ms (p50), ${latency.p99Ms.value?.toFixed(3)} ms (p99)`,
      );
      return { scores, latency };
    };
    const ofCandidate = await scored(candidate, 'candidate');
    const ofChampion = champion && (await scored(champion, 'champion'));
    signal.throwIfAborted();
    const report = buildReport(inputs, rows, ofCandidate, ofChampion);
    for (const gate of report.gates) log(`gate ${gate.name}: ${gate.verdict}. ${gate.reason}`);
    return report;
  } finally {
    for (const model of opened) await model.close();
  }
}

function latencyOf(model: PackagedModel, rows: HoldoutRows, seed: number) {
  return measureLatency((row) => model.scoreRow(rows.columns, row), rows.labels.length, createRng(seed));
}

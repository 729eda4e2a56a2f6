import { type Clock, formatDuration } from '../../core/time.ts';
import { systemActor } from '../../platform/access/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Watermarks } from '../../platform/watermarks/index.ts';
import { affectedWindows } from './affected-windows.ts';
import type { MonitorOutputs, MonitorReference } from './contract.ts';
import { type DriftReference, measureDrift } from './drift/measure-drift.ts';
import type { References } from './drift/references.ts';
import { measureHealth } from './measure-health.ts';
import { measurePerformance } from './performance/measure-performance.ts';
import { type LogReader, readValues, readWindow, type TimeRange, type VersionWindow } from './read-window.ts';
import type { Measured, WindowRecorder } from './record-window.ts';
import { findMonitor, type KeptSpec, listReferences, moveMonitor, specOf } from './store/monitors.ts';
import type { WindowRow } from './store/tables.ts';
import { firstWindowStart, startsToMature, windowsAt } from './store/windows.ts';
import { keptDrift, keptWindow, toReference } from './to-contract.ts';
import { windowLengthMs, windowStartMs } from './window-times.ts';

export interface MonitorRunDeps extends LogReader {
  readonly db: Database;
  readonly watermarks: Watermarks;
  readonly references: References;
  readonly recorder: WindowRecorder;
  readonly clock: Clock;
}

/** Share of a window's time that a version must have answered in for its inputs to be judged. */
const minWindowShare = 0.8;

type Totals = { -readonly [K in keyof MonitorOutputs]: MonitorOutputs[K] };

interface Subject {
  readonly endpoint: string;
  readonly spec: KeptSpec;
  readonly references: readonly MonitorReference[];
  readonly watermarkMs: number;
  /** Event time of the endpoint's first request. */
  readonly logBeginsMs: number;
}

/**
 * Does everything that is due for an endpoint at its watermark: closes windows, lets their performance mature, and
 * measures again those that late labels or rows came in for. Each window is recorded in one transaction with its
 * alerts and events, so a run that is cut off is simply gone on with by the next.
 */
export async function runMonitor(deps: MonitorRunDeps, endpoint: string): Promise<MonitorOutputs> {
  const totals: Totals = { closed: 0, matured: 0, revised: 0, alertsOpened: 0, alertsResolved: 0 };
  const monitor = await findMonitor(deps.db.read, endpoint);
  const watermarkMs = await deps.watermarks.get(endpoint);
  if (!monitor || watermarkMs === undefined) return totals;
  const spec = specOf(monitor);
  const references = (await listReferences(deps.db.read, endpoint)).map(toReference);
  const lookedAtMs = deps.clock.nowMs();
  await deps.feedback.flush(endpoint);

  const segments = await deps.feedback.predictionSegments(systemActor, { endpoint });
  const firstMs = segments.reduce((min, s) => Math.min(min, s.minEventTimeMs), Number.POSITIVE_INFINITY);
  if (!Number.isFinite(firstMs)) return totals;
  const subject: Subject = { endpoint, spec, references, watermarkMs, logBeginsMs: firstMs };
  const openMs = monitor.open_window_start_ms ?? windowStartMs(firstMs, spec.window);
  const seen = { labelSegment: monitor.seen_label_segment, predictionsMs: monitor.seen_predictions_ms };
  const affected = await affectedWindows(deps, endpoint, spec.window, openMs, seen);
  const length = windowLengthMs(spec.window);
  const maturing = await startsToMature(deps.db.read, endpoint, spec.window, watermarkMs - spec.labelDelayMs);
  for (const startMs of [...new Set([...affected.starts, ...maturing])].sort((a, b) => a - b)) {
    await measureWindow(deps, subject, startMs, startMs, totals);
  }
  let startMs = openMs;
  for (; startMs + length + spec.allowedDelayMs <= watermarkMs; startMs += length) {
    const from = startMs;
    const hasRows = segments.some((s) => s.minEventTimeMs < from + length && s.maxEventTimeMs >= from);
    if (hasRows) await measureWindow(deps, subject, from, from + length, totals);
  }
  await deps.db.write((tx) =>
    moveMonitor(tx, endpoint, {
      open_window_start_ms: startMs,
      seen_label_segment: affected.newestLabelSegment,
      seen_predictions_ms: lookedAtMs,
    }),
  );
  return totals;
}

/** @param openMs where the first window begins that is not closed once this one is recorded */
async function measureWindow(
  deps: MonitorRunDeps,
  subject: Subject,
  startMs: number,
  openMs: number,
  totals: Totals,
): Promise<void> {
  const { endpoint, spec, watermarkMs } = subject;
  const range = { fromMs: startMs, toMs: startMs + windowLengthMs(spec.window) };
  const versions = await readWindow(deps, endpoint, range);
  const known = await windowsAt(deps.db.read, endpoint, spec.window, startMs);
  const mature = watermarkMs >= range.toMs + spec.labelDelayMs;
  const measured: Measured[] = [];
  for (const version of versions) {
    const before = known.find((row) => row.model_version === version.modelVersion);
    const matures = mature && before?.state === 'closed';
    if (before?.fingerprint === version.fingerprint && !matures) continue;
    const reference = subject.references.find((r) => r.modelVersion === version.modelVersion);
    const coverage = { eligible: version.eligible, mature };
    const partial = partialReason(version, versions, range, subject.logBeginsMs);
    measured.push({
      version,
      before,
      mature,
      ...(await driftOf(deps, subject, range, version, before, reference, partial)),
      performance: measurePerformance(version.labelled, coverage, reference, spec.performance),
      health: measureHealth(version, range.toMs - range.fromMs, spec.health),
    });
  }
  if (measured.length === 0) return;
  const champion = versions.reduce((a, b) => (b.championRows > a.championRows ? b : a)).modelVersion;
  const recorded = await deps.recorder.record({ endpoint, spec, range, openMs, champion, measured });
  for (const key of Object.keys(totals) as (keyof Totals)[]) totals[key] += recorded[key];
}

/** Drift does not change with labels: while the rows are the same it is kept as it was. */
async function driftOf(
  deps: MonitorRunDeps,
  subject: Subject,
  range: TimeRange,
  version: VersionWindow,
  before: WindowRow | undefined,
  reference: MonitorReference | undefined,
  partial: string | undefined,
): Promise<Pick<Measured, 'drift' | 'reference'>> {
  if (before) {
    const window = keptWindow(before);
    if (window.rows === version.requests) return { drift: keptDrift(before), reference: window.reference };
  }
  const { endpoint, spec } = subject;
  const columns = reference && (await deps.references.columns(reference.datasetVersionId, spec.window));
  const filter = { ...range, rows: 'answered' } as const;
  const logged = columns ? await deps.feedback.loggedFeatures(systemActor, endpoint, filter) : [];
  const names = logged.filter((name) => columns?.columns.has(name));
  const values = await readValues(deps, endpoint, range, version.modelVersion, names);
  const scores = await scoreReference(deps, subject, range.fromMs, version.modelVersion, reference);
  return measureDrift(values, { reference, columns, scores }, spec.drift, partial);
}

/**
 * A version that answered in a part of the window only (it was promoted on Wednesday) has other hours and weekdays
 * by that alone. It is measured by the time in which any version answered, so that nights without traffic do not
 * count; in the endpoint's first window by the whole window. undefined when it answered over most of it.
 */
function partialReason(
  { firstMs, lastMs }: VersionWindow,
  all: readonly VersionWindow[],
  range: TimeRange,
  logBeginsMs: number,
): string | undefined {
  const fromMs = Math.min(...all.map((version) => version.firstMs));
  const toMs = Math.max(...all.map((version) => version.lastMs));
  const wholeMs = logBeginsMs >= range.fromMs ? range.toMs - range.fromMs : toMs - fromMs;
  const spanMs = lastMs - firstMs;
  if (spanMs >= minWindowShare * wholeMs) return undefined;
  return `the version answered in ${formatDuration(spanMs)} of the window only, which does not stand for all of it`;
}

/**
 * What scores are compared with: those handed in, else those of the version's first week as champion, so that every
 * weekday is among them. undefined during that week.
 */
async function scoreReference(
  deps: MonitorRunDeps,
  { endpoint, spec }: Subject,
  startMs: number,
  modelVersion: string,
  reference: MonitorReference | undefined,
): Promise<DriftReference['scores']> {
  if (reference?.scoresDigest) {
    return { from: 'reference', ...(await deps.references.scores(reference.scoresDigest)) };
  }
  const { minRows } = spec.drift;
  const firstMs = await firstWindowStart(deps.db.read, endpoint, spec.window, modelVersion, minRows);
  const weekMs = windowLengthMs('week');
  if (firstMs === undefined || startMs < firstMs + weekMs) return undefined;
  const length = windowLengthMs(spec.window);
  const column = await deps.references.firstScores(`${endpoint}/${modelVersion}/${firstMs}`, async () => {
    const windows: (readonly unknown[])[] = [];
    for (let fromMs = firstMs; fromMs < firstMs + weekMs; fromMs += length) {
      const range = { fromMs, toMs: fromMs + length };
      windows.push((await readValues(deps, endpoint, range, modelVersion, [])).scores);
    }
    return windows.filter((scores) => scores.length >= minRows);
  });
  return { from: 'first-week', ...column };
}

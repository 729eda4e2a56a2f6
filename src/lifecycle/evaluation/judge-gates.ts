import {
  type Comparison,
  type Estimate,
  type Gate,
  type GateResult,
  type Latency,
  METRICS,
  type MetricName,
  type Verdict,
} from './contract.ts';
import { estimateText, numberText } from './estimate-text.ts';

/** What gates are judged by. */
export interface Evidence {
  readonly overall: Comparison;
  readonly latency: Latency;
  /** Rows on which the candidate gave NaN or an infinity. */
  readonly nonFiniteScores: number;
  /** Digest of the champion; null if there is none yet. */
  readonly championDigest: string | null;
}

/**
 * The verdict of each gate, the check of finite scores first. A bound is passed (failed) when the whole 95 %
 * interval is on its good (bad) side; when the bound lies inside, or the metric is not defined, it is `unsure`.
 *
 * `against: champion` looks at the paired difference on the same rows, turned so that more is better: pass when the
 * interval's lower end is above -margin, fail when the upper end is below it. So margin 0 asks for a demonstrated
 * improvement, a positive margin for non-inferiority. Without a champion it passes.
 */
export function judgeGates(gates: readonly Gate[], evidence: Evidence): readonly GateResult[] {
  return [finiteScores(evidence), ...gates.map((gate) => judge(gate, evidence))];
}

/** fail if any gate fails, else unsure if any is unsure, else pass. */
export function overallVerdict(results: readonly GateResult[]): Verdict {
  const verdicts = results.map((result) => result.verdict);
  return verdicts.includes('fail') ? 'fail' : verdicts.includes('unsure') ? 'unsure' : 'pass';
}

function finiteScores({ nonFiniteScores, overall }: Evidence): GateResult {
  const rows = numberText(overall.rows + nonFiniteScores);
  const passed = nonFiniteScores === 0;
  const reason = passed
    ? `All ${rows} scores are finite numbers`
    : `${numberText(nonFiniteScores)} of ${rows} scores are NaN or infinite`;
  return { gate: null, name: 'finite scores', verdict: passed ? 'pass' : 'fail', measured: null, reason };
}

function judge(gate: Gate, evidence: Evidence): GateResult {
  if ('latencyP99Ms' in gate) {
    const measured = evidence.latency.p99Ms;
    const what = `Latency p99 of one row ${estimateText(measured)} ms`;
    const where = `in ${numberText(measured.n)} runs`;
    const result = bounded(what, measured, 'at most', gate.latencyP99Ms, where);
    return { gate, name: `latency p99 ≤ ${gate.latencyP99Ms} ms`, measured, ...result };
  }
  if ('against' in gate) return againstChampion(gate.metric, gate.margin, gate, evidence);
  const measured = evidence.overall.candidate[gate.metric];
  const what = `${METRICS[gate.metric].title} ${estimateText(measured)}`;
  const where = `on ${numberText(measured.n)} rows`;
  const [side, bound, sign] =
    'min' in gate ? (['at least', gate.min, '≥'] as const) : (['at most', gate.max, '≤'] as const);
  const result = bounded(what, measured, side, bound, where);
  return { gate, name: `${gate.metric} ${sign} ${bound}`, measured, ...result };
}

function bounded(
  what: string,
  measured: Estimate,
  side: 'at least' | 'at most',
  bound: number,
  where: string,
): { readonly verdict: Verdict; readonly reason: string } {
  if (measured.value === null) {
    return { verdict: 'unsure', reason: `${what} ${where}, so it cannot be compared with ${bound}` };
  }
  const [low, high] = [measured.low ?? Number.NEGATIVE_INFINITY, measured.high ?? Number.POSITIVE_INFINITY];
  const passes = side === 'at least' ? low >= bound : high <= bound;
  const fails = side === 'at least' ? high < bound : low > bound;
  if (passes) return { verdict: 'pass', reason: `${what} is ${side} ${bound} ${where}` };
  if (fails) {
    return {
      verdict: 'fail',
      reason: `${what} is ${side === 'at least' ? 'below' : 'above'} ${bound} ${where}`,
    };
  }
  return { verdict: 'unsure', reason: `${what} may be above or below ${bound} ${where}` };
}

function againstChampion(metric: MetricName, margin: number, gate: Gate, evidence: Evidence): GateResult {
  const name = margin === 0 ? `${metric} vs champion` : `${metric} vs champion, margin ${margin}`;
  const measured = evidence.overall.candidateMinusChampion?.[metric] ?? null;
  const { title, goal } = METRICS[metric];
  if (measured === null || evidence.championDigest === null) {
    const reason = `There is no champion yet, so ${title} is compared with none`;
    return { gate, name, verdict: 'pass', measured: null, reason };
  }
  const where = `on the same ${numberText(measured.n)} rows`;
  if (measured.value === null || measured.low === null || measured.high === null) {
    const reason = `The difference in ${title} is not defined ${where}`;
    return { gate, name, verdict: 'unsure', measured, reason };
  }
  const gained = goal === 'maximize' ? measured : turned(measured, measured.low, measured.high);
  const change = `${title} changes by ${estimateText(measured)} against the champion ${where}`;
  const asked = margin === 0 ? 'better' : `not worse by ${margin}`;
  if (gained.low! > -margin) return { gate, name, verdict: 'pass', measured, reason: `${change}: ${asked}` };
  if (gained.high! < -margin) {
    const worse = margin === 0 ? 'worse' : `worse by more than ${margin}`;
    return { gate, name, verdict: 'fail', measured, reason: `${change}: ${worse}` };
  }
  const reason = `${change}: these rows do not show whether it is ${asked}`;
  return { gate, name, verdict: 'unsure', measured, reason };
}

/** The difference with its sign turned, so that more is better. */
function turned(estimate: Estimate, low: number, high: number): Estimate {
  return { value: estimate.value === null ? null : -estimate.value, low: -high, high: -low, n: estimate.n };
}

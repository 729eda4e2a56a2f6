import { nearestName } from '../../../core/nearest-name.ts';
import { listedNames } from '../../../platform/search/index.ts';
import { UsageError } from '../command.ts';
import type { MetricSummary, Run } from '../contract.ts';

/** Something of a run that a table or a CSV file shows. */
export interface RunColumn {
  readonly head: string;
  readonly kind: 'text' | 'number' | 'time' | 'duration';
  /** Times as RFC 3339, durations in seconds; null where the run has none. */
  readonly value: (run: Run) => string | number | null;
}

const own: Readonly<Record<string, Omit<RunColumn, 'head'>>> = {
  id: { kind: 'text', value: (run) => run.id },
  run_id: { kind: 'text', value: (run) => run.id },
  name: { kind: 'text', value: (run) => run.name },
  run_name: { kind: 'text', value: (run) => run.name },
  experiment_id: { kind: 'text', value: (run) => run.experimentId },
  status: { kind: 'text', value: (run) => run.status },
  user: { kind: 'text', value: (run) => run.user },
  user_id: { kind: 'text', value: (run) => run.user },
  start_time: { kind: 'time', value: (run) => run.startTime },
  end_time: { kind: 'time', value: (run) => run.endTime },
  duration: { kind: 'duration', value: (run) => (run.durationMs === null ? null : run.durationMs / 1000) },
  artifact_uri: { kind: 'text', value: (run) => run.artifactUri },
};

const stats: Readonly<Record<string, (metric: MetricSummary) => string | number | null>> = {
  last: (metric) => metric.last,
  first: (metric) => metric.first,
  min: (metric) => metric.min,
  max: (metric) => metric.max,
  mean: (metric) => metric.mean,
  best: (metric) => metric.best,
  count: (metric) => metric.count,
};

/** Reads `name, metrics.auc.max, params.lr`. Throws `UsageError` for a column that runs do not have. */
export function runColumns(text: string): readonly RunColumn[] {
  return listedNames(text).map(({ text: head, parts }) => {
    const [word = '', ...rest] = parts.map((part) => part.text);
    const key = rest.join('.');
    if (/^params?$|^parameters?$/.test(word) && key) {
      return { head, kind: 'text', value: (run) => run.params[key] ?? null };
    }
    if (/^tags?$/.test(word) && key) return { head, kind: 'text', value: (run) => run.tags[key] ?? null };
    if (/^metrics?$/.test(word) && key) return { head, kind: 'number', value: metricValue(rest) };
    const column = Object.hasOwn(own, head) ? own[head] : undefined;
    if (column) return { head, ...column };
    const names = [...Object.keys(own), 'metrics.<key>', 'params.<key>', 'tags.<key>'];
    const guess = nearestName(head, names);
    throw new UsageError(
      `--columns: runs have no "${head}"; ${guess ? `did you mean "${guess}"?` : `known are ${names.join(', ')}`}`,
    );
  });
}

/** As in filters: a key that ends like a statistic comes before the statistic. */
function metricValue(parts: readonly string[]): RunColumn['value'] {
  const whole = parts.join('.');
  const key = parts.slice(0, -1).join('.');
  const stat = parts.length > 1 ? stats[parts.at(-1) ?? ''] : undefined;
  return (run) => {
    const exact = run.metrics[whole];
    if (exact) return exact.last;
    const metric = stat && run.metrics[key];
    return metric ? stat(metric) : null;
  };
}

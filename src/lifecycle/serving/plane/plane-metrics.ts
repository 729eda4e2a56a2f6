import { Counter, Gauge, Histogram, type Registry } from '../../../platform/metrics/index.ts';

/** Prometheus metrics of a replica's data plane. */
export interface PlaneMetrics {
  /** Counts rows and observes the time of their request. */
  answered(
    endpoint: string,
    version: string,
    arm: string,
    status: string,
    rows: number,
    seconds: number,
  ): void;
  /** Observes the time to the first piece of a streamed answer, and counts its pieces. */
  streamed(endpoint: string, version: string, arm: string, firstSeconds: number, pieces: number): void;
  shadowDropped(endpoint: string, rows: number): void;
  flagged(endpoint: string, feature: string, kind: string): void;
  routesVersion(version: number): void;
  /** Where to read how many segments of the log there are when somebody asks. */
  segments(read: () => { readonly waiting: number; readonly damaged: number }): void;
}

interface Child {
  readonly rows: { inc(count: number): void };
  readonly seconds: { observe(seconds: number): void };
}

export function planeMetrics(registry: Registry): PlaneMetrics {
  const rows = new Counter({
    name: 'millrace_predictions_total',
    help: 'Prediction rows by endpoint, model version, arm and status',
    labelNames: ['endpoint', 'version', 'arm', 'status'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'millrace_prediction_duration_seconds',
    help: 'Time from a complete request to its logged answer',
    labelNames: ['endpoint', 'version', 'arm'],
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1],
    registers: [registry],
  });
  const first = new Histogram({
    name: 'millrace_stream_first_seconds',
    help: 'Time from a complete request to the first piece of an answer that came in pieces',
    labelNames: ['endpoint', 'version', 'arm'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 20],
    registers: [registry],
  });
  const pieces = new Counter({
    name: 'millrace_stream_pieces_total',
    help: 'Pieces of answers that came in pieces',
    labelNames: ['endpoint', 'version', 'arm'],
    registers: [registry],
  });
  const dropped = new Counter({
    name: 'millrace_shadow_dropped_total',
    help: 'Rows that a shadow did not see because its queue was full',
    labelNames: ['endpoint'],
    registers: [registry],
  });
  const flags = new Counter({
    name: 'millrace_input_flags_total',
    help: 'Values let through though they are missing, unseen or out of range',
    labelNames: ['endpoint', 'feature', 'kind'],
    registers: [registry],
  });
  const version = new Gauge({
    name: 'millrace_routes_version',
    help: 'Version of the route table in force',
    registers: [registry],
  });
  // Looking a child up by its labels costs as much as counting: they are kept.
  const children = new Map<string, Child>();
  const childOf = (endpoint: string, modelVersion: string, arm: string, status: string): Child => {
    const key = `${endpoint}|${modelVersion}|${arm}|${status}`;
    let child = children.get(key);
    if (!child) {
      child = {
        rows: rows.labels(endpoint, modelVersion, arm, status),
        seconds: seconds.labels(endpoint, modelVersion, arm),
      };
      children.set(key, child);
    }
    return child;
  };
  return {
    answered(endpoint, modelVersion, arm, status, count, durationSeconds) {
      const child = childOf(endpoint, modelVersion, arm, status);
      child.rows.inc(count);
      child.seconds.observe(durationSeconds);
    },
    streamed(endpoint, modelVersion, arm, firstSeconds, count) {
      first.labels(endpoint, modelVersion, arm).observe(firstSeconds);
      pieces.labels(endpoint, modelVersion, arm).inc(count);
    },
    shadowDropped: (endpoint, count) => dropped.inc({ endpoint }, count),
    flagged: (endpoint, feature, kind) => flags.inc({ endpoint, feature, kind }),
    routesVersion: (value) => version.set(value),
    segments: (read) => {
      for (const [kind, help] of [
        ['waiting', 'Segments of the prediction log that control does not have yet'],
        [
          'damaged',
          'Segments of the prediction log that were set aside: the disk gave back other bytes than it was given',
        ],
      ] as const) {
        new Gauge({
          name: `millrace_log_segments_${kind}`,
          help,
          registers: [registry],
          collect() {
            this.set(read()[kind]);
          },
        });
      }
    },
  };
}

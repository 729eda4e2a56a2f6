import { z } from 'zod';
import { featurePrefix } from './relations.ts';

/** A row of the prediction log, as far as rollouts are judged by it. */
export interface ArrivedRow {
  /** The replica that logged it; left out where that is not known. */
  readonly replica?: string;
  readonly predictionId: string;
  readonly arm: string;
  readonly version: string;
  readonly routeVersion: number;
  readonly status: string;
  readonly score: number | null;
  readonly latencyUs: number;
  readonly eventTimeMs: number;
  /** Wall time of the replica. */
  readonly receivedAtMs: number;
  readonly entity: string | null;
  /** null: the split did not decide. */
  readonly bucket: number | null;
  readonly propensity: number | null;
  /** What its features are, of `Arrived.features`; null: its payload was not logged. */
  readonly cells: readonly unknown[] | null;
}

/** Where a feature is among the cells of a row, and what type the log has it as. */
export interface ArrivedFeature {
  readonly name: string;
  readonly type: string;
  readonly index: number;
}

/** A label that was acknowledged. */
export interface ArrivedLabel {
  readonly predictionId: string;
  /** null: a text. */
  readonly value: number | null;
  readonly eventTimeMs: number;
  /** Order of receipt: of labels with equal event times that with the greatest counts. */
  readonly seq: number;
}

/** What came in for an endpoint. */
export interface Arrived {
  readonly endpoint: string;
  readonly rows?: readonly ArrivedRow[];
  /** The features of the rows; undefined: not told. */
  readonly features?: readonly ArrivedFeature[] | undefined;
  readonly labels?: readonly ArrivedLabel[];
}

/** Tells whoever listens of rows and labels at the moment that they come in. Nothing is kept. */
export class Arrivals {
  readonly #listeners = new Set<(arrived: Arrived) => void>();

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  listen(listener: (arrived: Arrived) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(arrived: Arrived): void {
    for (const listener of this.#listeners) listener(arrived);
  }
}

/** POST /api/v1/open-rows: lines of a replica's log that is being written, as they are on its disk, its header first. */
export const openRowsSchema = z.strictObject({
  endpoint: z.string().min(1),
  /** The serving replica that wrote them. */
  replicaId: z.string().min(1).optional(),
  lines: z.string().max(4_000_000),
});
export type OpenRows = z.infer<typeof openRowsSchema>;

const lineSchema = z.object({
  prediction_id: z.string(),
  arm: z.string(),
  model_version: z.string(),
  route_version: z.number(),
  status: z.string(),
  score: z.number().nullable().default(null),
  latency_us: z.number(),
  event_time_ms: z.number(),
  received_at_ms: z.number(),
  entity: z.string().nullable().default(null),
  bucket: z.number().nullable().default(null),
  propensity: z.number().nullable().default(null),
  features: z.array(z.unknown()).nullable().default(null),
});

const headerSchema = z.object({
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      list: z.object({ index: z.int().min(0) }).optional(),
    }),
  ),
});

/** Rows of a log that is being written, with their features if the header is there; what is no row is left out. */
export function readOpenRows({
  lines,
  replicaId,
}: Pick<OpenRows, 'lines' | 'replicaId'>): Pick<Arrived, 'rows' | 'features'> {
  const rows: ArrivedRow[] = [];
  let features: readonly ArrivedFeature[] | undefined;
  for (const line of lines.split('\n')) {
    const value = parsed(line);
    const row = lineSchema.safeParse(value).data;
    if (!row) {
      features ??= featuresOf(headerSchema.safeParse(value).data?.columns);
      continue;
    }
    rows.push({
      ...(replicaId === undefined ? {} : { replica: replicaId }),
      predictionId: row.prediction_id,
      arm: row.arm,
      version: row.model_version,
      routeVersion: row.route_version,
      status: row.status,
      score: row.score,
      latencyUs: row.latency_us,
      eventTimeMs: row.event_time_ms,
      receivedAtMs: row.received_at_ms,
      entity: row.entity,
      bucket: row.bucket,
      propensity: row.propensity,
      cells: row.features,
    });
  }
  return { rows, features };
}

function featuresOf(
  columns: z.infer<typeof headerSchema>['columns'] | undefined,
): readonly ArrivedFeature[] | undefined {
  return columns?.flatMap(({ name, type, list }) =>
    list && name.startsWith(featurePrefix)
      ? [{ name: name.slice(featurePrefix.length), type, index: list.index }]
      : [],
  );
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

import { z } from 'zod';

/** A row of the prediction log, as far as rollouts are judged by it. */
export interface ArrivedRow {
  readonly predictionId: string;
  readonly arm: string;
  readonly version: string;
  readonly routeVersion: number;
  readonly status: string;
  readonly score: number | null;
  readonly latencyUs: number;
  readonly eventTimeMs: number;
  readonly entity: string | null;
  /** null: the split did not decide. */
  readonly bucket: number | null;
  readonly propensity: number | null;
}

/** A label that was acknowledged. */
export interface ArrivedLabel {
  readonly predictionId: string;
  /** null: a text. */
  readonly value: number | null;
  readonly eventTimeMs: number;
}

/** What came in for an endpoint. */
export interface Arrived {
  readonly endpoint: string;
  readonly rows?: readonly ArrivedRow[];
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

/** POST /api/v1/open-rows: lines of a replica's log that is being written, as they are on its disk. */
export const openRowsSchema = z.strictObject({
  endpoint: z.string().min(1),
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
  entity: z.string().nullable().default(null),
  bucket: z.number().nullable().default(null),
  propensity: z.number().nullable().default(null),
});

/** Rows of a log that is being written; what is no row is left out. */
export function readOpenRows(lines: string): readonly ArrivedRow[] {
  const rows: ArrivedRow[] = [];
  for (const line of lines.split('\n')) {
    const row = lineSchema.safeParse(parsed(line)).data;
    if (!row) continue;
    rows.push({
      predictionId: row.prediction_id,
      arm: row.arm,
      version: row.model_version,
      routeVersion: row.route_version,
      status: row.status,
      score: row.score,
      latencyUs: row.latency_us,
      eventTimeMs: row.event_time_ms,
      entity: row.entity,
      bucket: row.bucket,
      propensity: row.propensity,
    });
  }
  return rows;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

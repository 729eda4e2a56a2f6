import { z } from 'zod';
import { digestSchema } from '../core/model-types.ts';
import { clockMarkSchema } from './clock-steps.ts';
import {
  rolloutSchema,
  turnApprovalSchema,
  turnGateSchema,
  turnRefitSchema,
  turnStateSchema,
} from './contract.ts';

/** What a turn has found out so far; grows state by state and is kept as JSON beside the turn's row. */
export const turnDataSchema = z.strictObject({
  /** Whether rows come from a registered version as it stands, or from the log joined with labels. */
  rowsFrom: z.enum(['version', 'log']),
  prepared: z
    .strictObject({
      datasetVersionId: z.string(),
      dataDigest: digestSchema,
      rows: z.int(),
      trainDigest: digestSchema,
      trainRows: z.int(),
      holdoutRows: z.int(),
      boundary: z.string(),
      /** First instant after the last row. */
      end: z.string(),
    })
    .nullable(),
  model: z
    .strictObject({
      runId: z.string(),
      modelId: z.string(),
      name: z.string(),
      /** The `train` step in which it was logged; null in turns of before this was kept. */
      stepRunId: z.string().nullable().default(null),
    })
    .nullable(),
  /** The judged model, once another one that was refitted on all rows has taken its place in this turn. */
  refit: turnRefitSchema.nullable().default(null),
  packageDigest: digestSchema.nullable(),
  championDigest: digestSchema.nullable(),
  evaluationId: z.string().nullable(),
  verdict: z.enum(['pass', 'fail', 'unsure']).nullable(),
  gates: z.array(turnGateSchema),
  approvals: z.array(turnApprovalSchema),
  rollout: rolloutSchema.nullable(),
  rolloutHistory: z.array(rolloutSchema),
  /** Route version with which the rollout began: its outcomes count from there. */
  firstRouteVersion: z.int().nullable(),
  /** The clock that the rollout's times are by while it waits for something; null otherwise, or it cannot be told. */
  clock: clockMarkSchema.nullable().default(null),
  /** Steps up to this number belong to what was tried before a retry. */
  stepsBefore: z.int(),
  failure: z
    .strictObject({
      state: turnStateSchema,
      code: z.string(),
      message: z.string(),
      stepRunId: z.string().nullable(),
    })
    .nullable(),
});
export type TurnData = z.infer<typeof turnDataSchema>;

/** What is known of a turn at its start: where its rows come from. */
export function newTurnData(rowsFrom: TurnData['rowsFrom']): TurnData {
  return {
    rowsFrom,
    prepared: null,
    model: null,
    refit: null,
    packageDigest: null,
    championDigest: null,
    evaluationId: null,
    verdict: null,
    gates: [],
    approvals: [],
    rollout: null,
    rolloutHistory: [],
    firstRouteVersion: null,
    clock: null,
    stepsBefore: 0,
    failure: null,
  };
}

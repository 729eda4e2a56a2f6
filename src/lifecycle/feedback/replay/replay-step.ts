import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { type Frames, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import { defineStepKind, type StepContext } from '../../../platform/registries/index.ts';
import type { BatchInputs, BatchOutputs } from '../../serving/index.ts';
import { replayInputsSchema, replayOutputsSchema } from '../contract.ts';
import { compareReplay } from './compare-replay.ts';
import { loggedColumns } from './write-window.ts';

/**
 * Step kind `replay`: has another version predict what was logged, and compares.
 *
 * @param score scores rows as a batch does, see `runBatchStep`
 */
export function replayStep(score: (inputs: BatchInputs, context: StepContext) => Promise<BatchOutputs>) {
  return defineStepKind({
    kind: 'replay',
    place: 'work',
    inputs: replayInputsSchema,
    outputs: replayOutputsSchema,
    timeoutMs: 6 * 3_600_000,
    async run(inputs, context) {
      const { model, modelVersion } = inputs;
      const { digest, sizeBytes, rows, failedRows } = await score(
        {
          model,
          modelVersion,
          packageDigest: inputs.packageDigest,
          endpoint: null,
          routeVersion: 0,
          entityFeature: null,
          eventTimeFeature: null,
          source: {
            kind: 'log',
            name: `log of ${inputs.endpoint}`,
            digests: inputs.windowDigest ? [inputs.windowDigest] : [],
          },
          format: 'parquet',
          keep: Object.values(loggedColumns),
          log: false,
          requestedAtMs: Date.parse(inputs.to),
          resumes: null,
        },
        context,
      );
      const path = await context.blobs.path(digest);
      if (failedRows === rows) {
        const problem = await firstError(context.frames, path);
        throw fail('replay_unanswered', { model, version: modelVersion, rows, problem });
      }
      const compared = await compareReplay(context.frames, path);
      context.log(
        `${rows} rows replayed, ${compared.compared} compared, ${compared.changedDecisions} decided otherwise`,
      );
      return { rows, failedRows, ...compared, digest, sizeBytes };
    },
  });
}

async function firstError(frames: Pick<Frames, 'query'>, path: string): Promise<string> {
  const [row] = await typedRows(
    frames,
    z.object({ error: z.string() }),
    `SELECT error FROM read_parquet(${sqlLiteral(path)}) WHERE error IS NOT NULL LIMIT 1`,
  );
  return row?.error ?? 'it gave no reason';
}

import { defineStepKind } from '../../../platform/registries/index.ts';
import { runBatch } from '../../serving/index.ts';
import { replayInputsSchema, replayOutputsSchema } from '../contract.ts';
import { compareReplay } from './compare-replay.ts';
import { loggedColumns } from './write-window.ts';

/** Step kind `replay`: has another version predict what was logged, and compares. */
export const replayStep = defineStepKind({
  kind: 'replay',
  place: 'work',
  inputs: replayInputsSchema,
  outputs: replayOutputsSchema,
  timeoutMs: 6 * 3_600_000,
  async run(inputs, context) {
    const { digest, sizeBytes, rows, failedRows } = await runBatch(
      {
        model: inputs.model,
        modelVersion: inputs.modelVersion,
        packageDigest: inputs.packageDigest,
        endpoint: null,
        routeVersion: 0,
        entityFeature: null,
        eventTimeFeature: null,
        source: { kind: 'log', name: `log of ${inputs.endpoint}`, digests: [inputs.windowDigest] },
        format: 'parquet',
        keep: Object.values(loggedColumns),
        log: false,
        requestedAtMs: Date.parse(inputs.to),
        resumes: null,
      },
      {
        batchId: context.stepRunId,
        context,
        // An attempt that fails begins again: a replay changes nothing outside.
        parts: {
          done: async () => [],
          keep: async () => undefined,
          logPolicy: () => Promise.reject(new Error('the rows of a replay are not logged')),
        },
      },
    );
    const compared = await compareReplay(context.frames, await context.blobs.path(digest));
    context.log(
      `${rows} rows replayed, ${compared.compared} compared, ${compared.changedDecisions} decided otherwise`,
    );
    return { rows, failedRows, ...compared, digest, sizeBytes };
  },
});

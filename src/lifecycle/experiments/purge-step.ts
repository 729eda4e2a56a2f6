import { defineStepKind } from '../../platform/registries/index.ts';
import { purgeCountsSchema, purgeInputsSchema } from './contract/life.ts';
import type { Purger } from './service/purger.ts';

const dayMs = 86_400_000;

/** Step kind `purge`: what was deleted long enough ago goes for good. */
export function purgeStep(purger: Purger) {
  return defineStepKind({
    kind: 'purge',
    place: 'control',
    inputs: purgeInputsSchema,
    outputs: purgeCountsSchema,
    timeoutMs: dayMs,
    run: (inputs, context) =>
      purger.purge(inputs, { log: (line) => context.log(line), signal: context.signal }),
  });
}

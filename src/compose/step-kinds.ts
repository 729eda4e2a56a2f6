import { evaluateStep } from '../lifecycle/evaluation/index.ts';
import { replayStep } from '../lifecycle/feedback/index.ts';
import { trainStep } from '../lifecycle/pipelines/index.ts';
import { batchStep, packageStep, runBatchStep } from '../lifecycle/serving/index.ts';
import type { Settings } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { StepKind } from '../platform/registries/index.ts';
import { givenPython } from './given-python.ts';

/** The step kinds that workers run. Control knows them too: it checks their inputs and outputs. */
export function workerStepKinds(settings: Settings, log: Logger): readonly StepKind[] {
  const python = givenPython(settings);
  // Loaded when a step needs it: control knows these kinds too, and runs no models.
  const host = async () => (await import('./python-host.ts')).pythonHost(settings, log);
  const batchPython = async () => (await import('./python-host.ts')).pythonSettings(settings);
  return [
    trainStep(python),
    packageStep(python, host),
    evaluateStep(async () => ({ python: await host() })),
    batchStep(batchPython),
    replayStep((inputs, context) => runBatchStep(inputs, context, batchPython)),
  ];
}

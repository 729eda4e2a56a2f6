import { join } from 'node:path';
import { installationDirectory } from '../core/installation.ts';
import { evaluateStep } from '../lifecycle/evaluation/index.ts';
import { findPython, trainStep } from '../lifecycle/pipelines/index.ts';
import { batchStep, packageStep } from '../lifecycle/serving/index.ts';
import type { Settings } from '../platform/config/index.ts';
import type { StepKind } from '../platform/registries/index.ts';

const environmentPython = join(installationDirectory, '.venv/bin/python');

/** The step kinds that workers run. Control knows them too: it checks their inputs and outputs. */
export function workerStepKinds(settings: Settings): readonly StepKind[] {
  const python = findPython(settings.python, environmentPython);
  return [trainStep(python), packageStep(python), evaluateStep, batchStep];
}

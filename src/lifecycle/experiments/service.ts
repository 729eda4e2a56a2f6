import { artifactOperations } from './service/artifacts.ts';
import { codeStateOperations } from './service/code-state.ts';
import type { ExperimentsDeps } from './service/context.ts';
import { datasetOperations } from './service/datasets.ts';
import { experimentOperations } from './service/experiments.ts';
import { loggingOperations } from './service/logging.ts';
import { metricOperations } from './service/metrics.ts';
import { loggedModelOperations } from './service/models.ts';
import { runModelTagOperations } from './service/run-model-tag.ts';
import { runOperations } from './service/runs.ts';
import { transferOperations } from './service/transfer.ts';
import { exportOperations } from './service/transfer-export.ts';
import { trashOperations } from './service/trash.ts';
import { uploadOperations } from './service/uploads.ts';
import { assessmentOperations, traceOperations } from './traces/index.ts';

/**
 * Experiment tracking. The first argument of each operation is the actor; the operations of a running
 * script's job mark what they make with the job's step.
 */
export function createExperiments(deps: ExperimentsDeps) {
  const trash = trashOperations(deps);
  return {
    experiments: { ...experimentOperations(deps), ...trash.experiments },
    runs: { ...runOperations(deps), ...trash.runs },
    trash: trash.trash,
    code: codeStateOperations(deps),
    logging: loggingOperations(deps),
    metrics: metricOperations(deps),
    models: loggedModelOperations(deps),
    runModelTag: runModelTagOperations(deps),
    datasets: datasetOperations(deps),
    artifacts: artifactOperations(deps),
    uploads: uploadOperations(deps),
    traces: traceOperations(deps),
    assessments: assessmentOperations(deps),
    transfer: transferOperations(deps),
    exports: exportOperations(deps),
  };
}

export type Experiments = ReturnType<typeof createExperiments>;

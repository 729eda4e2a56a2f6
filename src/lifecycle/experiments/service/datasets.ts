import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { DatasetSummaryRecord } from '../records.ts';
import { datasetSummaries } from '../store/inputs.ts';
import { invalidParameter, parseExperimentId } from '../validation.ts';
import type { ExperimentsDeps } from './context.ts';

const contextTag = 'mlflow.data.context';
const largestAnswer = 1000;
const mostExperiments = 20;

/** Datasets that runs use. */
export function datasetOperations({ db }: ExperimentsDeps) {
  return {
    /** At most 1000 datasets of at most 20 experiments. Throws `tracking_invalid`. */
    async search(actor: Actor, experimentIds: readonly string[]): Promise<readonly DatasetSummaryRecord[]> {
      authorize(actor, 'read');
      if (experimentIds.length === 0) {
        throw invalidParameter('SearchDatasets request must specify at least one experiment_id.');
      }
      if (experimentIds.length > mostExperiments) {
        throw invalidParameter(
          `SearchDatasets request cannot specify more than ${mostExperiments} experiment_ids. Received ${experimentIds.length} experiment_ids.`,
        );
      }
      const ids = experimentIds.map(parseExperimentId);
      return datasetSummaries(db.read, ids, { tagKey: contextTag, limit: largestAnswer });
    },
  };
}

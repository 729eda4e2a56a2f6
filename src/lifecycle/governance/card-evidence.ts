import type { Actor } from '../../platform/access/index.ts';
import type { CardDataset, CardRun } from './contract.ts';

/** What a card tells of parts that this slice does not know: filled where the server is put together. */
export interface CardEvidence {
  /** Undefined when there is no record of it. */
  dataset(actor: Actor, datasetVersionId: string): Promise<CardDataset | undefined>;
  /** Undefined when there is no record of it. */
  run(actor: Actor, runId: string): Promise<CardRun | undefined>;
}

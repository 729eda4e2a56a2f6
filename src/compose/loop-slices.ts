import type { DataService } from '../lifecycle/data/index.ts';
import type { EvaluationService } from '../lifecycle/evaluation/index.ts';
import type { Experiments } from '../lifecycle/experiments/index.ts';
import type { FeedbackService } from '../lifecycle/feedback/index.ts';
import type { MonitoringService } from '../lifecycle/monitoring/index.ts';
import type { Registry } from '../lifecycle/registry/index.ts';
import type { ServingService } from '../lifecycle/serving/index.ts';
import type { BlobStore } from '../platform/blobs/index.ts';
import type { Database } from '../platform/db/index.ts';
import type { Frames } from '../platform/frames/index.ts';

/** The services that loops, rollouts and deployments without a loop go through. */
export interface LoopSlices {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly data: DataService;
  readonly experiments: Experiments;
  readonly registry: Registry;
  readonly evaluations: EvaluationService;
  readonly serving: ServingService;
  readonly feedback: FeedbackService;
  readonly monitoring: MonitoringService;
  readonly frames: Frames;
}

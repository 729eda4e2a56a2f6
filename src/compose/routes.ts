import { dataRoutes } from '../lifecycle/data/index.ts';
import { evaluationRoutes } from '../lifecycle/evaluation/index.ts';
import { artifactRowsRoutes, experimentsRoutes, lifeRoutes } from '../lifecycle/experiments/index.ts';
import { feedbackRoutes, replayRoutes } from '../lifecycle/feedback/index.ts';
import { governanceRoutes } from '../lifecycle/governance/index.ts';
import { monitoringRoutes } from '../lifecycle/monitoring/index.ts';
import { pipelinesRoutes } from '../lifecycle/pipelines/index.ts';
import { lineageRoutes, registryRoutes, webhookRoutes } from '../lifecycle/registry/index.ts';
import { batchRoutes, keyRoutes, packageRoutes, servingRoutes } from '../lifecycle/serving/index.ts';
import { loopRoutes, rolloutRoutes } from '../loop/index.ts';
import { blobRoutes } from '../platform/blobs/index.ts';
import type { Route } from '../platform/http/index.ts';
import { jobRoutes } from '../platform/jobs/index.ts';
import { eventRoutes } from '../platform/journal/index.ts';
import { watermarkRoutes } from '../platform/watermarks/index.ts';
import type { ControlServices } from './control-services.ts';

/** The whole REST API of control, in the order of its description. */
export function restRoutes(services: ControlServices): readonly Route[] {
  return [
    ...services.status.routes,
    ...eventRoutes(services.journal),
    ...jobRoutes(services.jobs),
    ...watermarkRoutes(services.watermarks),
    ...blobRoutes(services.blobs),
    ...dataRoutes(services.data),
    ...experimentsRoutes(services.experiments),
    ...artifactRowsRoutes(services.experiments, services.tables),
    ...lifeRoutes(services.experiments, services.purges),
    ...pipelinesRoutes(services.pipelines),
    ...evaluationRoutes(services.evaluations),
    ...registryRoutes(services.registry),
    ...webhookRoutes(services.webhooks),
    ...lineageRoutes(services.lineage),
    ...servingRoutes(services.serving),
    ...keyRoutes(services.endpointKeys),
    ...packageRoutes(services.packages, services.remoteSecrets),
    ...batchRoutes(services.batches, services.blobs),
    ...feedbackRoutes(services.feedback),
    ...replayRoutes(services.replays),
    ...monitoringRoutes(services.monitoring),
    ...governanceRoutes(services.governance, services.erasures),
    ...rolloutRoutes(services.rollouts),
    ...loopRoutes(services.loop.loops, services.loop.turns, services.deployments),
  ];
}

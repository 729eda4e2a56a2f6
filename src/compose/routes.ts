import { dataRoutes } from '../lifecycle/data/index.ts';
import { pipelinesRoutes } from '../lifecycle/pipelines/index.ts';
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
    ...pipelinesRoutes(services.pipelines),
  ];
}

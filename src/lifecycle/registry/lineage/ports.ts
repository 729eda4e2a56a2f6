import type { Digest } from '../../../core/json.ts';
import type { Actor } from '../../../platform/access/index.ts';

/** A registered dataset version, as far as a lineage shows it. */
interface LineageDataset {
  readonly id: string;
  /** `flights v3` */
  readonly title: string;
  readonly digest: string;
  readonly rows: number;
  readonly registeredAt: string;
}

/** A version that an endpoint answers with, or copies requests to. */
export interface LineageDeployment {
  readonly endpoint: string;
  readonly version: string;
  /** Digest of the package that is served. */
  readonly digest: string;
  /** `champion`, `challenger` or `shadow`. */
  readonly arm: string;
  /** Share of the traffic, 0 to 1; null for a shadow. */
  readonly weight: number | null;
}

/** What a lineage needs of parts that come before and after the registry. */
export interface LineagePorts {
  /** By its id or its digest; undefined when it is not registered here. */
  dataset(actor: Actor, reference: string): Promise<LineageDataset | undefined>;
  /** The packages that a graph of packages is made of, each once; none for what is no graph, or is not there. */
  graphParts(digest: Digest): Promise<readonly Digest[]>;
  /** Where versions of a registered model are deployed now. */
  deployments(actor: Actor, model: string): Promise<readonly LineageDeployment[]>;
}

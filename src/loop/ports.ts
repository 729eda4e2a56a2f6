import type { Digest } from '../core/json.ts';
import type { DatasetVersion } from '../lifecycle/data/index.ts';
import type { RolloutAborted } from '../lifecycle/monitoring/index.ts';
import type { ArmGuard } from '../lifecycle/serving/index.ts';
import type { Actor } from '../platform/access/index.ts';
import type { LoopFile, TurnGate } from './contract.ts';
import type { Observation } from './verdict/observation.ts';
import type { ObserveQuery } from './verdict/observe.ts';

/** A model that a training script logged. */
export interface LoggedModel {
  readonly modelId: string;
  readonly runId: string;
  readonly name: string;
  readonly files: readonly { readonly path: string; readonly digest: Digest }[];
}

/** A packaged version of a registered model. */
export interface PackagedVersion {
  readonly version: number;
  readonly digest: Digest;
  readonly datasetVersionId: string | null;
  readonly evaluationId: string | null;
  /** Columns of the request, with their types as the signature has them. */
  readonly inputs: readonly { readonly name: string; readonly type: string }[];
}

/** A package that becomes a version of a registered model, with what it was made from. */
export interface NewVersion {
  readonly model: string;
  readonly digest: Digest;
  readonly modelId: string;
  readonly runId: string;
  readonly datasetVersionId: string;
  readonly datasetDigest: Digest;
  /** The version from which this one was refitted on all rows, by the same settings; the link is kept. */
  readonly refitOf?: { readonly version: number; readonly rows: number };
}

/** How an evaluation came out, as far as the loop decides by it. */
export interface Judgement {
  readonly evaluationId: string;
  readonly verdict: 'pass' | 'fail' | 'unsure';
  readonly gates: readonly TurnGate[];
}

/** How a package is judged on held-out rows, and beside which one. */
export interface EvaluateRequest {
  readonly candidateDigest: Digest;
  readonly championDigest: Digest | null;
  readonly datasetDigest: Digest;
  readonly holdout: {
    readonly by: 'time';
    readonly column: string;
    readonly from: string;
    readonly to: string;
  };
  readonly labelColumn: string;
  readonly positiveClass: string;
  readonly segments: readonly string[];
  readonly threshold: number;
  readonly gates: LoopFile['evaluate']['gates'];
}

/** A packaged version and the endpoint where it is to answer. */
export interface DeployTarget {
  readonly endpoint: string;
  readonly model: string;
  readonly version: number;
  readonly digest: Digest;
}

/** What a challenger is given of an endpoint's traffic; `share` is 0..1. */
export interface SplitOptions {
  readonly share: number;
  readonly mirror: boolean;
  /** What replicas watch the challenger for. */
  readonly guard: ArmGuard;
}

/** An alert that is not resolved, as far as triggers need it. */
export interface OpenAlert {
  readonly id: string;
  readonly cause: 'drift' | 'performance';
  readonly modelVersion: string;
  readonly reason: string;
  /** End of the newest window that says so. */
  readonly lastWindowEndMs: number;
}

/**
 * The front doors of the slices, as far as the loop goes through them. Every method may be called again with the
 * same arguments after a crash: it then changes nothing and returns the same.
 */
export interface LoopPorts {
  readonly data: {
    version(id: string): Promise<DatasetVersion>;
    /** A version of a dataset by number; without one, the newest. */
    find(dataset: string, version: number | undefined): Promise<DatasetVersion | undefined>;
    /** Throws `contract_broken`, naming each column, unless the columns are there with fitting types. */
    requireFit(
      id: string,
      subject: string,
      columns: readonly { readonly name: string; readonly type?: string }[],
    ): Promise<void>;
  };
  readonly experiments: {
    /** Models that a step's runs logged, oldest first, and the runs. */
    loggedBy(stepRunId: string): Promise<{
      readonly runIds: readonly string[];
      readonly models: readonly LoggedModel[];
    }>;
  };
  readonly registry: {
    champion(model: string): Promise<PackagedVersion | undefined>;
    version(model: string, version: number): Promise<PackagedVersion>;
    /** The version that this logged model became, made now if it is not there. */
    register(input: NewVersion): Promise<PackagedVersion>;
    recordGates(model: string, version: number, judgement: Judgement): Promise<void>;
    /** A refusal of what was deleted is noted nowhere. Throws `version_unknown` for an approval of it. */
    approve(actor: Actor, model: string, version: number, approved: boolean, reason: string): Promise<void>;
    /** Moves the alias `challenger`; null takes it away. */
    setChallenger(model: string, version: number | null, reason: string): Promise<void>;
    promote(model: string, version: number, reason: string): Promise<void>;
    /**
     * Points the alias `champion` back from a version at the one from before, or at none if that was deleted; nothing if
     * the alias is elsewhere by now.
     */
    giveBack(model: string, version: number, to: number, reason: string): Promise<void>;
  };
  readonly evaluation: {
    /** Inputs of the step kind `evaluate`. */
    stepInputs(request: EvaluateRequest): unknown;
    /** The verdict in what the step returned; nothing is recorded. */
    read(outputs: unknown): Pick<Judgement, 'verdict' | 'gates'>;
    /** Records what the step returned. */
    record(stepRunId: string, subject: string, outputs: unknown): Promise<Judgement>;
  };
  readonly packaging: {
    /**
     * Inputs of the step kind `package`; requests will be checked against the data's contract, and another form of
     * the model is compared with it on the hold-out.
     */
    stepInputs(
      model: string,
      logged: LoggedModel,
      datasetVersionId: string,
      holdout: {
        readonly dataset: string;
        readonly column: string;
        readonly from: string;
        readonly to: string;
      },
    ): Promise<unknown>;
    /** The package's digest in the step's outputs. */
    digestOf(outputs: unknown): Digest;
    /** What two packages are asked and answer differently, as one sentence; null: they have the same signature. */
    difference(digest: Digest, otherDigest: Digest): Promise<string | null>;
  };
  readonly serving: {
    declare(endpoint: string, model: string): Promise<void>;
    /** The model that answers at an endpoint; null where none does. */
    answering(endpoint: string): Promise<string | null>;
    /** The version that answers as champion now. */
    champion(endpoint: string): Promise<number | null>;
    /** All traffic at once, for a first model. Each of the following returns the route's version. */
    deploy(target: DeployTarget, reason: string): Promise<number>;
    /** Copies of the traffic; nobody gets the answers. */
    mirror(target: DeployTarget, reason: string): Promise<number>;
    /** A share of the traffic (0..1), and copies of the rest if they are wanted. */
    split(target: DeployTarget, split: SplitOptions, reason: string): Promise<number>;
    promote(target: DeployTarget, reason: string): Promise<number>;
    /** The champion has all traffic again, at once. */
    withdraw(endpoint: string, reason: string): Promise<number>;
    /** A version that was champion before answers everything again, also one that the registry does not have any more. */
    giveBack(endpoint: string, version: number, reason: string): Promise<number>;
    /**
     * Why a challenger has lost its traffic, or the copies, on the endpoint (a guard took it, or a person); null while it
     * has them.
     */
    lost(endpoint: string, version: number, what: 'copies' | 'traffic'): Promise<string | null>;
    /** Which connected replicas say that they cannot take a route, as a clause; empty where none does. */
    behind(endpoint: string, routeVersion: number): Promise<string>;
    /** Resolves when every connected replica answers by this route. Throws `replicas_behind`. */
    settled(endpoint: string, routeVersion: number, signal: AbortSignal): Promise<void>;
  };
  readonly feedback: {
    /** What a rollout's verdict rests on. */
    observe(query: ObserveQuery): Promise<Observation>;
    /** Distinct labelled predictions so far. */
    labelCount(endpoint: string): Promise<number>;
  };
  readonly monitoring: {
    configure(endpoint: string, file: LoopFile): Promise<void>;
    /** What windows of a version are compared with from now on. */
    addReference(
      endpoint: string,
      reference: {
        readonly version: number;
        readonly datasetVersionId: string;
        readonly evaluationId: string | null;
      },
    ): Promise<void>;
    openAlerts(endpoint: string): Promise<readonly OpenAlert[]>;
    /** Opens an alert about a rollout that ended by harm. */
    rolloutAborted(told: RolloutAborted): Promise<void>;
    /** A version was rolled out: alerts about earlier rollouts are over. */
    rolloutPromoted(endpoint: string, version: number, endedMs: number): Promise<void>;
  };
}
